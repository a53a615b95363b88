"""What no sensor can have seen is marked; what is not known is not."""

from gateway.readings import content
from gateway.readings.plausible import implausible
from protocol.quantities import CO2, PRESSURE, TEMPERATURE


def test_values_outside_their_range_are_named():
    values = [((CO2, 0), 249), ((CO2, 1), 250), ((PRESSURE, 0), 11_001), ((TEMPERATURE, 0), -401), ((CO2, 2), None)]
    assert implausible(values) == ((CO2, 0), (PRESSURE, 0), (TEMPERATURE, 0))


def test_a_quantity_of_a_newer_version_is_not_judged():
    assert implausible([((200, 0), -(2**32))]) == ()


def test_it_reads_what_the_store_keeps():
    kept = content.reading_in_a_set(3, [84, 96, 112, 140, 100, 214, None, 1])
    assert implausible(content.values_of(kept)) == ((CO2, 0), (PRESSURE, 0))
