"""The table of quantities: names, numbers and ranges that fit the node's arithmetic, and its names elsewhere."""

from protocol import quantities
from protocol.quantities import quantities_of, size_of
from protocol.quantity_table import QUANTITIES, SETS, Quantity, quantity_named, ranges_of
from tests.protocol.expect import refused

# Objects and resources as the OMA registry has them (OpenMobileAlliance/lwm2m-registry at b62ffc2; uCIFI's are 34xx).
LWM2M = {
    "occupied": "3431/1",
    "state_duration": "3431/2",
    "pm10": "3428/1",
    "pm2_5": "3428/3",
    "pm1": "3428/5",
    "level": "3416/3",
    "lamp_status": "3416/5",
    "operating_hours": "3416/15",
    "switch_count": "3416/18",
    "power": "3416/46",
    "energy": "3416/47",
}


def test_each_quantity_is_named_after_its_constant():
    for number, row in enumerate(QUANTITIES):
        assert getattr(quantities, row[0].upper()) == number, row[0]
    assert len(QUANTITIES) == len({row[0] for row in QUANTITIES})


def test_numbers_that_are_in_the_street_never_move():
    for number, name, unit, decimals in (
        (0, "occupied", "1", 0),
        (4, "battery_voltage", "V", 2),
        (5, "temperature", "Cel", 1),
        (7, "pressure", "hPa", 1),
        (12, "co2", "[ppm]", 0),
        (25, "energy", "W.h", 0),
        (26, "power_factor", "1", 2),
        (30, "motion_count", "1", 0),
        (31, "programme_version", "1", 0),
    ):
        quantity = Quantity(number)
        assert (quantity.number, quantity.name, quantity.unit, quantity.decimals) == (number, name, unit, decimals)


def test_names_elsewhere_are_the_registry_s():
    for name, lwm2m in LWM2M.items():
        assert quantity_named(name).lwm2m == lwm2m, name
    assert quantity_named("pm2_5").fiware == "AirQualityObserved.pm25"
    assert quantity_named("pm4").lwm2m == ""


def test_ranges_are_in_order_and_stay_small_ints_even_as_differences():
    for row in QUANTITIES:
        name, _, decimals, low, high = row[:5]
        assert 0 <= decimals <= 3, name
        assert low < high, name
        assert high - low < 2**30, name


def test_plausible_means_within_the_range_of_the_sensors():
    temperature = quantity_named("temperature")
    assert temperature.plausible(-400) and temperature.plausible(850)
    assert not temperature.plausible(-401) and not temperature.plausible(851)


def test_sets_name_known_quantities_once_each():
    for pairs in SETS:
        assert len(pairs) == len(set(pairs))
        for quantity, instance in pairs:
            assert 0 <= quantity < len(QUANTITIES) and 0 <= instance < 256
    assert len(SETS[quantities.AIR_FULL]) == 8
    assert quantities_of(quantities.PARKING_ONE_BAY) == ((0, 0), (1, 0), (2, 0), (5, 0), (4, 0))
    assert quantities_of(quantities.LIGHT_TWO_HEADS)[2] == (quantities.LEVEL, 1)


def test_lamp_status_bits_do_not_overlap():
    bits = [
        quantities.LAMP_FAILURE,
        quantities.LAMP_GEAR_FAILURE,
        quantities.LAMP_RELAY_FAILURE,
        quantities.LAMP_DAY_BURNER,
        quantities.LAMP_CYCLING,
        quantities.LAMP_GEAR_SILENT,
        quantities.LAMP_TOO_HOT,
        quantities.LAMP_OVERRIDDEN,
    ]
    assert bits == [1 << bit for bit in range(8)]
    assert quantity_named("lamp_status").high == sum(bits)


def test_what_is_not_in_the_tables_is_refused():
    assert refused("32", Quantity, 32) == "quantity 32 is not in the table; the newest known is 31"
    refused("quantity -1 is not in the table", Quantity, -1)
    assert refused("lux", quantity_named, "lux") == (
        "there is no quantity 'lux'; the table in protocol/quantities.py lists them"
    )
    assert refused("7", quantities_of, 7) == "set 7 is not known here; the newest known is 6: update the gateway"
    refused("set -1 is not known here", quantities_of, -1)


def test_a_node_asks_for_the_ranges_of_its_set_alone():
    ranges = ranges_of(quantities.AIR_FULL)
    assert ranges[4] == (250, 40_000)  # CO2
    assert len(ranges) == size_of(quantities.AIR_FULL) == 8
    refused("set 7 is not known here; the newest known is 6: update the gateway", size_of, 7)
    refused("set -1", quantities_of, -1)
