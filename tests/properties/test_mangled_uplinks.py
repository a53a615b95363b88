"""Whatever comes from the air, the server goes on: noise is refused, what authentic devices say is bounded."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.network.events import Accepted, Alarm, Refused
from gateway.network.registration import Role
from protocol.lorawan.frames import parse_frame
from tests.fakes.devices import Device, heard
from tests.fakes.stations import Station

JOINER = Device(2, joins=True)
FRAMES = [
    Device(1).frame(9, None),
    Device(1).frame(10, 1, b"a payload", confirmed=True),
    Device(1).frame(11, 0, b"\x02\x0d"),
    Device(1).frame(12, 7, b"more", f_opts=b"\x02\x03\x07"),
    JOINER.join_request(),
]
receptions = st.fixed_dictionaries(
    {
        "dr": st.integers(-1, 9),
        "freq_hz": st.sampled_from((0, 868_100_000, 433_000_000, 10**12)),
        "counter_us": st.none() | st.integers(0, 2**32 - 1),
        "snr_db": st.none() | st.floats(-200, 200),
        "rssi_dbm": st.none() | st.integers(-300, 100),
    }
)


@st.composite
def mangled(draw):
    """A frame with bytes changed, cut out and put in; or nothing but noise."""
    frame = bytearray(draw(st.sampled_from([*FRAMES, b""])))
    for at, byte, how in draw(
        st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255), st.integers(0, 2)), min_size=1, max_size=6)
    ):
        at = min(at, len(frame))
        if how == 0:
            frame[at : at + 1] = bytes([byte])
        elif how == 1:
            del frame[at : at + 1]
        else:
            frame.insert(at, byte)
    return bytes(frame)


@given(st.lists(st.tuples(mangled(), receptions), max_size=8))
def test_no_mangled_frame_is_accepted_or_stops_the_server(uplinks):
    station = Station([Device(1).registration(), JOINER.registration()])
    for phy_payload, fields in uplinks:
        if phy_payload not in FRAMES:
            effects = station.tell(heard(phy_payload, **fields)) + station.run(200)
            effects = [effect for effect in effects if not isinstance(effect, Alarm)]
            assert [type(effect) for effect in effects] == [Refused]
    assert station.store.sessions == {}


commands = st.binary(max_size=15) | st.lists(
    st.sampled_from((b"\x02", b"\x0d", b"\x03\x07", b"\x03\x00", b"\x05\x07", b"\x06\xff\x3f", b"\x07\x03", b"\x08"))
).map(lambda parts: b"".join(parts)[:15])


@given(
    uplinks=st.lists(
        st.tuples(commands, st.booleans(), st.integers(1, 70_000), receptions, st.booleans()), min_size=1, max_size=25
    ),
    role=st.sampled_from(Role),
    plan=st.integers(0, 1),
)
def test_whatever_an_authentic_device_says_is_taken_and_the_answers_are_frames_it_understands(uplinks, role, plan):
    device = Device(1, role=role, plan=plan)
    station = Station([device.registration()])
    f_cnt = -1
    for said, on_port_0, gap, fields, flag in uplinks:
        f_cnt += gap if gap < 0x10000 else 1
        fields = {**fields, "dr": fields["dr"] % 8}
        flags = {"adr": flag, "confirmed": flag, "adr_ack_req": flag}
        frame = device.frame(f_cnt, 0, said, **flags) if on_port_0 else device.frame(f_cnt, 1, f_opts=said, **flags)
        effects = station.tell(heard(frame, **fields)) + station.run(200)
        assert any(isinstance(effect, Accepted) for effect in effects)
        station.run(10_000)
    for transmit in station.transmits:
        assert len(parse_frame(transmit.phy_payload).f_opts) <= 15
        device.hear(transmit.phy_payload)
