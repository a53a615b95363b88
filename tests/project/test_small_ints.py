"""protocol/ computes in MicroPython's small ints, but for quantities that have 32 bits or more of their own."""

import ast
import json
import os
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import small_ints

# File and function, and the quantity in it that is wider. Nothing else in protocol/ may leave -2^30..2^30-1.
ALLOWED = {
    ("cbor.py", "(module)"): "what a 32-bit head carries",
    ("cbor.py", "_Reader.argument"): "what a 32-bit head carries",
    ("cbor.py", "_Reader.item"): "a negative number of 32 bits; the items of as many pairs as a map claims",
    ("cbor.py", "_append"): "a negative number of 32 bits",
    ("civil.py", "from_gps"): "GPS seconds",
    ("civil.py", "to_gps"): "GPS seconds",
    ("envelope.py", "_open"): "CRC-32",
    ("envelope.py", "seal"): "CRC-32",
    ("items.py", "is_integer"): "what a 32-bit head carries",
    ("lorawan/cmac.py", "(module)"): "AES blocks as numbers of 128 bits",
    ("lorawan/cmac.py", "Cmac._chained"): "AES blocks as numbers of 128 bits",
    ("lorawan/cmac.py", "_doubled"): "AES blocks as numbers of 128 bits",
    ("lorawan/counters.py", "full_f_cnt"): "FCnt",
    ("lorawan/counters.py", "nearest_full"): "FCnt and seq",
    ("lorawan/eui.py", "dev_addr_from_text"): "DevAddr",
    ("lorawan/frames.py", "parse_frame"): "DevAddr",
    ("lorawan/join.py", "_cf_list_from_wire"): "frequencies up to the 1.68 GHz that 24 bits of 100 Hz reach",
    ("lorawan/join.py", "open_join_accept"): "DevAddr",
    ("lorawan/mac_commands.py", "_decode"): "the GPS seconds of DeviceTimeAns",
    ("lorawan/mac_commands.py", "_from_field"): "frequencies up to the 1.68 GHz that 24 bits of 100 Hz reach",
    ("lorawan/mac_commands.py", "encode_command"): "the GPS seconds of DeviceTimeAns",
    ("lorawan/ranges.py", "fits"): "DevAddr, FCnt and GPS seconds",
    ("lorawan/security.py", "_with_key_stream"): "a payload as one number",
    ("orders.py", "_verb"): "the greatest DevAddr and FCnt",
    ("telemetry.py", "_age_s"): "uptime in seconds",
    ("telemetry_reader.py", "_decode_row"): "values, which travel with 32 bits",
    ("telemetry.py", "_row"): "differences of values, which travel with 32 bits",
}

# Tests that walk years in single steps; what they call is called below, over its whole range.
TIMEOUT_S = 600  # the tests alone take a tenth of it
SLOW = ("tests/properties/dimming/test_setpoint.py", "tests/properties/test_log.py")

sys.meta_path.insert(0, small_ints.WatchedFinder("watched_protocol"))
from watched_protocol import airtime, civil, region  # noqa: E402
from watched_protocol.dimming import (  # noqa: E402
    CLOCK,
    DAWN,
    DUSK,
    HOLIDAYS,
    SUNRISE,
    SUNSET,
    DayType,
    Programme,
    Site,
    Step,
    SunTable,
    setpoint_at,
)


def refusals(seen):
    """A sentence for each place that is not in ALLOWED."""
    return [
        f"protocol/{file}, {function}, {seen[file, function]}"
        for file, function in seen
        if (file, function) not in ALLOWED
    ]


def test_every_test_of_protocol_stays_within_small_ints(tmp_path):
    """Their whole ranges and all that they refuse, run once more with the arithmetic watched."""
    report = tmp_path / "beyond.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.small_ints", "-p", "no:cacheprovider"]
    command += ["--hypothesis-seed=1", "tests/protocol", "tests/properties", *[f"--ignore={path}" for path in SLOW]]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_CORE", "COVERAGE", "PYTEST", "LAMPYRE_SEED"))
    }
    environment |= {"LAMPYRE_SMALL_INTS": str(report), "LAMPYRE_HYPOTHESIS": "quick"}
    done = subprocess.run(
        command,
        cwd=small_ints.PROTOCOL.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    seen = {(file, function): example for file, function, example in json.loads(report.read_text(encoding="utf-8"))}
    assert ("cbor.py", "_Reader.argument") in seen, "nothing was watched"
    assert refusals(seen) == []


@settings(max_examples=300)
@given(
    st.integers(0, 255),
    st.integers(7, 12),
    st.sampled_from([125_000, 250_000, 500_000]),
    st.integers(1, 4),
    st.integers(1, airtime.MAX_PREAMBLE),
    st.booleans(),
    st.none() | st.booleans(),
)
@example(255, 12, 125_000, 4, airtime.MAX_PREAMBLE, True, True)
def test_airtime_over_its_whole_range(phy_len, sf, bw_hz, coding_rate, preamble, flag, low_data_rate):
    airtime.airtime_us(phy_len, sf, bw_hz, coding_rate, preamble, flag, flag, low_data_rate)
    assert refusals(small_ints.beyond) == []


@given(st.integers(0, 7), st.integers(0, 3_000_000), st.integers(1, 255), st.integers(0, 10**9))
@example(0, 3_000_000, 255, 10**9)
@example(7, 3_000_000, 255, 10**9)
def test_region_over_its_whole_range(dr, error_us, min_symbols, frame_us):
    region.rx_window(dr, error_us, min_symbols)
    region.frame_airtime_us(dr, error_us % 256)
    for band in region.SUB_BANDS:
        region.off_time_ms(frame_us, band)
    assert refusals(small_ints.beyond) == []


@st.composite
def sun_tables(draw):
    """The steepest tables that are accepted, and anything flatter."""
    halves = []
    for _ in range(2):
        point = draw(st.integers(600, 13_000))
        steps = draw(st.lists(st.sampled_from([-600, 600, 0]) | st.integers(-600, 600), min_size=12, max_size=12))
        points = [point]
        for step in steps:  # there and back, so that the year closes
            points += [min(max(point + step, 0), 14_399), point]
        halves.append(tuple(points[:24]))
    return SunTable(*halves)


STEPS = st.builds(Step, st.just(CLOCK), st.integers(0, 1439), st.integers(0, 100), st.integers(0, 600)) | st.builds(
    Step,
    st.sampled_from([SUNSET, SUNRISE, DUSK, DAWN]),
    st.integers(-180, 180),
    st.integers(0, 100),
    st.integers(0, 600),
)


@given(
    sun_tables(),
    sun_tables(),
    st.lists(STEPS, min_size=1, max_size=6),
    st.lists(st.integers(0, 65535), max_size=3),
    st.sampled_from([(60, True), (-720, False), (840, False)]),
    st.lists(st.integers(10**9, 2**32 - 1), min_size=1, max_size=5),
)
def test_dimming_over_its_whole_range(sun, twilight, steps, holidays, clock, moments):
    """From 2011 to the end of GPS seconds in 32 bits, in 2116."""
    site = Site(*clock, sun, twilight, holidays)
    programme = Programme(DayType(0x7F, *steps), DayType(HOLIDAYS, *steps[:1]))
    site = Site.decode(site.encode())
    programme = Programme.decode(programme.encode())
    for gps_s in moments:
        setpoint_at(programme, site, gps_s)
        civil.to_gps(*civil.from_gps(gps_s))
    assert refusals(small_ints.beyond) == []


def test_the_allow_list_names_functions_there_are():
    for file, function in ALLOWED:
        tree = ast.parse((small_ints.PROTOCOL / file).read_text(encoding="utf-8"))
        names = {"(module)"}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                names.add(node.name)
            if isinstance(node, ast.ClassDef):
                names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        assert function in names, f"protocol/{file} has no {function}"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return a * b", "line 2: a * b = 1099511627776"),
        ("a *= b\n    return a", "line 2: a *= b = 1099511627776"),
        ("a = [a]\n    a[0] <<= 11\n    return a[0]", "line 3: a[0] <<= 11 = 2147483648"),
        ("return -(-a * 1023 - a) - 1", "line 2: -(-a * 1023 - a) = 1073741824"),
        ("return ~(b * 1023 + b - 1 + b)", "line 2: b * 1023 + b = 1073741824"),
        ("return sum([a] * 1024)", "line 2: sum([a] * 1024) = 1073741824"),
        ("return divmod(a * 1023, 1)[0] + b", "line 2: divmod(a * 1023, 1)[0] + b = 1073741824"),
        ("return (a * b) % 3", "line 2: a * b = 1099511627776"),  # what comes out is small
        ("return int.from_bytes(bytes([255] * 4), 'big') and 0", "= 4294967295"),
    ],
)
def test_a_result_beyond_small_ints_is_seen(body, says):
    names = {small_ints._NOTE: small_ints.note}
    source = f"def broken(a, b):\n    {body}\n"
    exec(compile(small_ints.watched(source, "broken.py"), "broken.py", "exec"), names)
    plain: dict = {}
    exec(source, plain)
    assert names["broken"](2**20, 2**20) == plain["broken"](2**20, 2**20)  # watching changes nothing
    seen = {("broken.py", "broken"): small_ints.beyond.pop(("broken.py", "broken"))}
    (sentence,) = refusals(seen)
    assert sentence.startswith("protocol/broken.py, broken, ")
    assert says in sentence


def test_results_up_to_the_edge_are_left_alone():
    source = "def edge(a):\n    a += a - 1\n    return a, -a - 1, b'a' + b'b', [a] * 2, '%d' % a\n"
    names = {small_ints._NOTE: small_ints.note}
    exec(compile(small_ints.watched(source, "edge.py"), "edge.py", "exec"), names)
    assert names["edge"](2**29) == (2**30 - 1, -(2**30), b"ab", [2**30 - 1] * 2, "1073741823")
    assert ("edge.py", "edge") not in small_ints.beyond
