"""LoRaWAN frames, joins, counters and MAC commands hold for any value, any cut, any flipped bit and any garbage."""

import tracemalloc

from hypothesis import example, given
from hypothesis import strategies as st

from protocol.errors import ProtocolError
from protocol.lorawan.cmac import Cmac
from protocol.lorawan.counters import F_CNT_MAX, accept_f_cnt, full_f_cnt, nearest_full
from protocol.lorawan.eui import (
    dev_addr_from_text,
    dev_addr_to_text,
    eui_from_text,
    eui_from_wire,
    eui_to_text,
    eui_to_wire,
    key_from_text,
)
from protocol.lorawan.frames import DOWNLINK, UPLINK, data_frame, frame_mtype, parse_frame
from protocol.lorawan.join import (
    JoinAccept,
    join_request_matches,
    open_join_accept,
    parse_join_request,
    seal_join_accept,
    seal_join_request,
)
from protocol.lorawan.mac_commands import command_len, describe, encode_command, parse_commands, read_commands
from protocol.lorawan.multicast import decrypt_mc_key, encrypt_mc_key
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload, seal_data
from tests.protocol.lorawan.test_cmac import on_board

NWK_S_KEY, APP_S_KEY, APP_KEY = b"network session!", b"application key!", b"an application k"
KEYS = SessionKeys(NWK_S_KEY, APP_S_KEY)

keys = st.binary(min_size=16, max_size=16)
euis = st.binary(min_size=8, max_size=8)
directions = st.sampled_from((UPLINK, DOWNLINK))
numbers16 = st.integers(0, 0xFFFF)
numbers24 = st.integers(0, 0xFFFFFF)
numbers32 = st.one_of(st.integers(0, 0xFFFFFFFF), st.sampled_from((0, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)))
frequencies = numbers24.map(lambda steps: steps * 100)
garbage = st.binary(max_size=300)


@st.composite
def data_fields(draw: st.DrawFn) -> dict:
    """Arguments of `seal_data` for a frame that may be sent."""
    direction = draw(directions)
    f_port = draw(st.one_of(st.none(), st.integers(0, 224)))
    f_opts = b"" if f_port == 0 else draw(st.binary(max_size=15))
    flags = ("adr", "ack", "confirmed") + (("adr_ack_req", "class_b") if direction == UPLINK else ("f_pending",))
    return {
        "direction": direction,
        "dev_addr": draw(numbers32),
        "f_cnt": draw(numbers32),
        "f_port": f_port,
        "f_opts": f_opts,
        "payload": b"" if f_port is None else draw(st.binary(max_size=242 - len(f_opts))),
        **{flag: draw(st.booleans()) for flag in flags},
    }


def value_or_refusal(function, *args):
    """What *function* returns, or None if it refuses with a sentence of bearable length."""
    try:
        return function(*args)
    except ProtocolError as error:
        sentence = str(error)
    assert 0 < len(sentence) < 200
    return None


@given(data_fields(), keys, keys)
def test_sealed_frames_open(fields: dict, nwk_s_key: bytes, app_s_key: bytes):
    session = SessionKeys(nwk_s_key, app_s_key)
    frame = parse_frame(seal_data(session, **fields))
    assert mic_matches(session, frame, fields["direction"], fields["f_cnt"])
    assert open_payload(session, frame, fields["direction"], fields["f_cnt"]) == fields["payload"]
    read = {name: getattr(frame, name) for name in fields.keys() - {"payload", "f_cnt"}}
    assert read | {"f_opts": bytes(read["f_opts"])} == {name: fields[name] for name in read}
    assert frame.f_cnt16 == fields["f_cnt"] & 0xFFFF


@given(data_fields(), st.data())
def test_a_sealed_frame_cut_anywhere_is_refused(fields: dict, data: st.DataObject):
    sealed = seal_data(KEYS, **fields)
    cut = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    assert not believed(cut, fields)


@given(data_fields(), st.data())
def test_a_sealed_frame_with_any_flipped_bit_is_refused(fields: dict, data: st.DataObject):
    flipped = bytearray(seal_data(KEYS, **fields))
    bit = data.draw(st.integers(0, len(flipped) * 8 - 1))
    flipped[bit >> 3] ^= 1 << (bit & 7)
    assert not believed(flipped, fields)


def believed(phy_payload: bytes | bytearray, fields: dict) -> bool:
    """Whether a receiver that waits for this very frame takes *phy_payload* for it."""
    try:
        return mic_matches(KEYS, parse_frame(phy_payload), fields["direction"], fields["f_cnt"])
    except ProtocolError:
        return False


@given(garbage)
@example(b"")
@example(bytes(100_000))
def test_any_bytes_are_a_frame_or_refused(phy_payload: bytes):
    readers = (
        frame_mtype,
        parse_frame,
        parse_join_request,
        lambda received: open_join_accept(APP_KEY, received),
    )
    for reader in readers:
        value_or_refusal(reader, phy_payload)


@given(st.binary(min_size=12, max_size=255), st.sampled_from((0x40, 0x60, 0x80, 0xA0)), numbers32)
def test_whatever_parses_is_written_back_and_opens_to_something(rest: bytes, mhdr: int, f_cnt: int):
    phy_payload = bytes([mhdr]) + rest[1:]
    try:
        frame = parse_frame(phy_payload)
    except ProtocolError:
        return
    assert bytes(frame.msg) + bytes(frame.mic) == phy_payload
    assert len(open_payload(KEYS, frame, frame.direction, f_cnt)) == len(frame.frm_payload)
    assert not mic_matches(KEYS, frame, 1 - frame.direction, f_cnt)


@given(st.integers(-2, 9), st.integers(-1, 1 << 33), st.integers(-1, 1 << 33), st.integers(-1, 300), garbage, garbage)
def test_any_fields_are_a_frame_or_refused(
    mtype: int, dev_addr: int, f_cnt: int, f_port: int, payload: bytes, f_opts: bytes
):
    try:
        frame = parse_frame(data_frame(mtype, dev_addr, f_cnt, f_port, payload, f_opts) + bytes(4))
    except ProtocolError:
        return
    assert (frame.mtype, frame.dev_addr, frame.f_cnt16, frame.f_port) == (mtype, dev_addr, f_cnt & 0xFFFF, f_port)
    assert (bytes(frame.frm_payload), bytes(frame.f_opts)) == (payload, f_opts)


def test_a_long_input_costs_no_memory():
    long = b"\x40" * 10_000_000
    tracemalloc.start()
    for reader in (parse_frame, parse_join_request, lambda received: open_join_accept(APP_KEY, received)):
        try:
            reader(long)
        except ProtocolError:
            continue
        raise AssertionError("a frame of 10 MB was taken")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


@given(keys, euis, euis, numbers16)
def test_join_requests_come_back(app_key: bytes, join_eui: bytes, dev_eui: bytes, dev_nonce: int):
    request = parse_join_request(seal_join_request(app_key, join_eui, dev_eui, dev_nonce))
    assert (request.join_eui, request.dev_eui, request.dev_nonce) == (join_eui, dev_eui, dev_nonce)
    assert join_request_matches(app_key, request)


@given(
    keys,
    numbers24,
    numbers24,
    numbers32,
    st.integers(0, 7),
    st.integers(0, 15),
    st.integers(0, 15),
    st.one_of(st.none(), st.tuples(*[frequencies] * 5)),
    st.data(),
)
def test_join_accepts_come_back_and_notice_any_flipped_bit_or_cut(
    app_key: bytes,
    join_nonce: int,
    net_id: int,
    dev_addr: int,
    offset: int,
    data_rate: int,
    delay: int,
    cf_list: tuple[int, ...] | None,
    data: st.DataObject,
):
    accept = JoinAccept(join_nonce, net_id, dev_addr, offset, data_rate, delay, cf_list)
    phy = bytearray(seal_join_accept(app_key, accept))
    assert vars(open_join_accept(app_key, phy)) == vars(accept)
    bit = data.draw(st.integers(0, len(phy) * 8 - 1))
    flipped = phy.copy()
    flipped[bit >> 3] ^= 1 << (bit & 7)
    for wrong in (flipped, phy[: data.draw(st.integers(0, len(phy) - 1))]):
        try:
            open_join_accept(app_key, wrong)
        except ProtocolError:
            continue
        raise AssertionError("a changed Join-Accept was taken")


@given(last=st.integers(0, F_CNT_MAX - 0xFFFF), step=st.integers(1, 0xFFFF))
@example(last=0xFFFF, step=1)
@example(last=0x1FFFF, step=0xFFFF)
def test_any_gap_below_64k_is_recovered(last: int, step: int):
    assert full_f_cnt(last, (last + step) & 0xFFFF) == last + step
    assert accept_f_cnt(last, (last + step) & 0xFFFF) == last + step


@given(last=numbers32)
def test_the_same_counter_is_refused(last: int):
    assert accept_f_cnt(last, last & 0xFFFF) is None


@given(last=st.integers(1, F_CNT_MAX), back=st.integers(1, 0xFFFF))
def test_an_older_frame_never_matches_again(last: int, back: int):
    """Its 16 bits are taken for a number 2^16 higher, under which its MIC is another one."""
    older = max(0, last - back)
    frame = parse_frame(seal_data(KEYS, UPLINK, 1, older, 1, b"reading"))
    full = accept_f_cnt(last, frame.f_cnt16)
    assert full is None or (full > last and not mic_matches(KEYS, frame, UPLINK, full))


@given(last=st.integers(-1, F_CNT_MAX), low16=numbers16)
def test_what_is_accepted_is_new_and_fits_32_bits(last: int, low16: int):
    full = accept_f_cnt(last, low16)
    if full is not None:
        assert last < full <= min(last + 0xFFFF if last >= 0 else low16, F_CNT_MAX)
        assert full & 0xFFFF == low16


@given(reference=st.integers(0, 1 << 40), low16=numbers16)
def test_the_nearest_number_is_the_nearest(reference: int, low16: int):
    found = nearest_full(reference, low16)
    candidates = [n for n in ((reference >> 16) + turn for turn in (-1, 0, 1)) if n >= 0]
    assert found == min((n * 0x10000 + low16 for n in candidates), key=lambda n: (abs(n - reference), n))


@given(garbage, directions)
def test_any_bytes_are_commands_up_to_where_they_stop(received: bytes, direction: int):
    commands, stopped = read_commands(memoryview(received), direction)
    at = 0
    for cid, values in commands:
        assert received[at] == cid
        assert describe(direction, cid, values)
        again = encode_command(direction, cid, *values)
        assert parse_commands(again, direction) == [(cid, values)]
        at += len(again)
    assert (stopped is None) == (at == len(received))
    assert stopped is None or (f"at byte {at}" in stopped and len(stopped) < 100)


@given(st.integers(0, 255), directions, st.lists(st.integers(-1, 1 << 33), max_size=6))
def test_any_values_are_a_command_or_refused(cid: int, direction: int, values: list[int]):
    wire = value_or_refusal(encode_command, direction, cid, *values)
    if wire is not None:
        assert len(wire) == command_len(direction, cid)
        assert parse_commands(wire, direction) == [(cid, tuple(values))]


@given(euis, numbers32, st.sampled_from(("", "-", ":", " ")))
def test_identities_come_back_from_text_and_air(eui: bytes, dev_addr: int, separator: str):
    spelled = separator.join(f"{byte:02X}" for byte in eui)
    assert eui_from_text(spelled) == eui_from_text(eui_to_text(eui)) == eui_from_wire(eui_to_wire(eui)) == eui
    assert dev_addr_from_text(dev_addr_to_text(dev_addr)) == dev_addr


@given(st.text(max_size=80))
def test_any_text_is_an_identity_or_refused(text: str):
    for reader in (eui_from_text, dev_addr_from_text, key_from_text):
        value_or_refusal(reader, text)


@given(keys, keys)
def test_group_keys_come_back(ke_key: bytes, mc_key: bytes):
    assert decrypt_mc_key(ke_key, encrypt_mc_key(ke_key, mc_key)) == mc_key


@given(keys, garbage)
def test_a_board_makes_the_codes_of_the_library(key: bytes, message: bytes):
    assert on_board(key).mac(message) == Cmac(key).mac(message)
