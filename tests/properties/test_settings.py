"""Settings come back as they went, laptop and node agree on what is wrong, and nothing else is ever raised."""

import cbor2
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocol.errors import ProtocolError, SettingsError
from protocol.settings import ROLES, SETTINGS, Settings, number_of


def right(number):
    """A value that a file may give."""
    _, _, _, low, high, _ = SETTINGS[number]
    if isinstance(high, int):
        return st.integers(low, high)
    if isinstance(high, str):
        return st.binary(min_size=8, max_size=8).map(bytes.hex)
    return st.sampled_from(high)


@st.composite
def files(draw):
    """What a file may say of a node, but for contradictions."""
    role = draw(st.integers(0, len(ROLES) - 1))
    given = {"role": ROLES[role], "dev_eui": draw(right(1))}
    for number in range(2, len(SETTINGS)):
        if SETTINGS[number][1] >> role & 1 and draw(st.booleans()):
            given[SETTINGS[number][0]] = draw(right(number))
    return given


def read(given):
    try:
        return Settings.from_names(given)
    except SettingsError as error:
        assume("write" in str(error) and " is " in str(error))  # contradictions only: every value by itself is right
        assume(False)
        raise


@given(files())
def test_they_come_back_as_they_went(given):
    here = read(given)
    there = Settings.decode(here.encode())
    assert there.encode() == here.encode()
    assert {name: held for name, held in vars(there).items() if name != "_wire"} == vars(here)
    for name, value in given.items():
        held = getattr(there, name)
        high = SETTINGS[number_of(name)][4]
        assert value == (high[held] if isinstance(high, tuple) else held.hex() if isinstance(held, bytes) else held)


@given(files(), st.data())
def test_laptop_and_node_agree_on_numbers(given, data):
    here = read(given)
    numbers = [number for number, row in enumerate(SETTINGS) if isinstance(row[4], int) and row[1] >> here.role & 1]
    assume(numbers)
    number = data.draw(st.sampled_from(numbers))
    value = data.draw(st.integers(-(2**30), 2**30 - 1) | st.integers(SETTINGS[number][3] - 2, SETTINGS[number][4] + 2))

    def told(function):
        try:
            return function().encode()
        except SettingsError as error:
            return str(error)

    by_name = told(lambda: Settings.from_names(given | {SETTINGS[number][0]: value}))
    by_number = told(lambda: Settings.decode(cbor2.dumps(cbor2.loads(here.encode()) | {number: value}, canonical=True)))
    assert by_name == by_number
    if not SETTINGS[number][1] & 16:
        assert told(lambda: here.changed(number, value)) == by_name


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.dates()
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
NAMES = st.sampled_from([row[0] for row in SETTINGS]) | st.text(max_size=60)


@given(st.dictionaries(NAMES, ANYTHING | st.sampled_from(ROLES), max_size=8))
def test_whatever_a_file_says_is_read_or_refused_line_by_line(given):
    try:
        found = Settings.from_names(given)
    except SettingsError as error:
        message = str(error)
    else:
        assert Settings.decode(found.encode()).encode() == found.encode()
        return
    assert all(line.startswith("settings: ") for line in message.splitlines())
    assert len(message) < 250 * (len(given) + 2)


@given(st.binary(max_size=80) | st.dictionaries(st.integers(-3, 40), ANYTHING, max_size=6).map(repr).map(str.encode))
def test_whatever_bytes_say_is_read_or_refused(data):
    try:
        found = Settings.decode(data)
    except ProtocolError:
        return
    assert found.encode()


@given(files(), st.data())
def test_flipped_bits_and_truncations(given, data):
    encoded = read(given).encode()
    with pytest.raises(ProtocolError):
        Settings.decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))])
    at = data.draw(st.integers(0, len(encoded) * 8 - 1))
    flipped = bytearray(encoded)
    flipped[at // 8] ^= 1 << at % 8
    try:
        Settings.decode(bytes(flipped))
    except ProtocolError:
        return
