"""MAC commands both ways: their names, fields and bits (TS001-1.0.4 §5; class B: §12)."""

from ..compat import const
from ..errors import FrameError
from .frames import DOWNLINK
from .ranges import FREQ_STEP_HZ, fits, freq_steps

LINK_CHECK = const(0x02)
LINK_ADR = const(0x03)
DUTY_CYCLE = const(0x04)
RX_PARAM_SETUP = const(0x05)
DEV_STATUS = const(0x06)
NEW_CHANNEL = const(0x07)
RX_TIMING_SETUP = const(0x08)
TX_PARAM_SETUP = const(0x09)  # not of EU868: a device knows its length and gives no answer (§5.8)
DL_CHANNEL = const(0x0A)
DEVICE_TIME = const(0x0D)
PING_SLOT_INFO = const(0x10)
PING_SLOT_CHANNEL = const(0x11)
BEACON_FREQ = const(0x13)

# The tables read as those of the specification: octets in the order of the air, in each the high bits first,
# `name:bits`, `-` for reserved ones. More than 8 bits are one little-endian number. A field called freq_hz is in
# steps of 100 Hz on the air and in Hz here (0: unset, or back to the default); `:-6` is a signed number of 6 bits.
# Kept as text: a node looks one up now and then, and tuples of them all would take 4 kB of its heap.
_UPLINK = {
    LINK_CHECK: "LinkCheckReq",
    LINK_ADR: "LinkADRAns -:5 power_ack:1 data_rate_ack:1 channel_mask_ack:1",
    DUTY_CYCLE: "DutyCycleAns",
    RX_PARAM_SETUP: "RXParamSetupAns -:5 rx1_dr_offset_ack:1 rx2_data_rate_ack:1 channel_ack:1",
    DEV_STATUS: "DevStatusAns battery:8 -:2 snr_db:-6",
    NEW_CHANNEL: "NewChannelAns -:6 data_rate_range_ok:1 channel_freq_ok:1",
    RX_TIMING_SETUP: "RXTimingSetupAns",
    TX_PARAM_SETUP: "TXParamSetupAns",
    DL_CHANNEL: "DlChannelAns -:6 uplink_freq_exists:1 channel_freq_ok:1",
    DEVICE_TIME: "DeviceTimeReq",
    PING_SLOT_INFO: "PingSlotInfoReq -:5 periodicity:3",
    PING_SLOT_CHANNEL: "PingSlotChannelAns -:6 data_rate_ok:1 channel_freq_ok:1",
    BEACON_FREQ: "BeaconFreqAns -:7 beacon_freq_ok:1",
}
_DOWNLINK = {
    LINK_CHECK: "LinkCheckAns margin_db:8 gw_cnt:8",
    LINK_ADR: "LinkADRReq data_rate:4 tx_power:4 ch_mask:16 -:1 ch_mask_cntl:3 nb_trans:4",
    DUTY_CYCLE: "DutyCycleReq -:4 max_duty_cycle:4",
    RX_PARAM_SETUP: "RXParamSetupReq -:1 rx1_dr_offset:3 rx2_data_rate:4 freq_hz:24",
    DEV_STATUS: "DevStatusReq",
    NEW_CHANNEL: "NewChannelReq ch_index:8 freq_hz:24 max_dr:4 min_dr:4",
    RX_TIMING_SETUP: "RXTimingSetupReq -:4 delay:4",
    TX_PARAM_SETUP: "TXParamSetupReq -:2 downlink_dwell_time:1 uplink_dwell_time:1 max_eirp:4",
    DL_CHANNEL: "DlChannelReq ch_index:8 freq_hz:24",
    DEVICE_TIME: "DeviceTimeAns gps_s:32 fraction_256:8",
    PING_SLOT_INFO: "PingSlotInfoAns",
    PING_SLOT_CHANNEL: "PingSlotChannelReq freq_hz:24 -:4 data_rate:4",
    BEACON_FREQ: "BeaconFreqReq freq_hz:24",
}


def read_commands(view: bytes | memoryview, direction: int) -> tuple[list[tuple[int, tuple[int, ...]]], str | None]:
    """Read the commands at the start of *view* and say what stopped it: (commands, None or the reason).

    A command is (CID, its values in the order of `field_names`). The length of an unknown command is not known
    either, so it ends the sequence, and those before it count (TS001-1.0.4 §5, note). Reserved bits are ignored.
    """
    commands: list[tuple[int, tuple[int, ...]]] = []
    at = 0
    while at < len(view):
        cid = view[at]
        try:
            fields = _fields(direction, cid)
        except FrameError as error:
            return commands, f"{error} at byte {at}"
        length = _length(fields)
        if len(view) - at - 1 < length:
            name = command_name(direction, cid)
            return commands, f"{name} at byte {at} has {length} bytes, {len(view) - at - 1} remain: cut short"
        commands.append((cid, _decode(fields, view[at + 1 : at + 1 + length])))
        at += 1 + length
    return commands, None


def parse_commands(view: bytes | memoryview, direction: int) -> list[tuple[int, tuple[int, ...]]]:
    """Read *view* as commands and nothing else; FrameError names the byte and the CID where it ends to be so."""
    commands, stopped = read_commands(view, direction)
    if stopped is not None:
        raise FrameError(stopped)
    return commands


def encode_command(direction: int, cid: int, *values: int) -> bytes:
    """Write one command with its values in the order of `field_names`; reserved bits are 0.

    Raises FrameError for an unknown CID, a wrong number of values, and a value that its field cannot hold.
    """
    fields = _fields(direction, cid)
    names = field_names(direction, cid)
    if len(values) != len(names):
        raise FrameError(f"{command_name(direction, cid)} takes {len(names)} values {names}, got {len(values)}")
    left = list(values)
    wire = bytes([cid])
    number = bits = 0
    for name, width in fields:
        value = 0 if name == "-" else _to_field(name, left.pop(0), width)
        number = number << abs(width) | value
        bits += abs(width)
        if bits % 8 == 0:
            wire += number.to_bytes(bits // 8, "little")
            number = bits = 0
    return wire


def command_name(direction: int, cid: int) -> str:
    """Return the name in the specification, such as `LinkADRReq`; FrameError for an unknown CID."""
    return _row(direction, cid).split(" ")[0]


def command_len(direction: int, cid: int) -> int:
    """Return the bytes of a command, its CID included; FrameError for an unknown CID."""
    return 1 + _length(_fields(direction, cid))


def field_names(direction: int, cid: int) -> tuple[str, ...]:
    """Return the names of a command's values, in their order; FrameError for an unknown CID."""
    return tuple([name for name, _ in _fields(direction, cid) if name != "-"])


def describe(direction: int, cid: int, values: tuple[int, ...]) -> str:
    """Return a command as a person reads it: `DevStatusAns battery=255 snr_db=-3`."""
    words = [command_name(direction, cid)]
    for i, name in enumerate(field_names(direction, cid)):
        words.append(f"{name}={values[i]}")
    return " ".join(words)


def _row(direction: int, cid: int) -> str:
    row = (_DOWNLINK if direction == DOWNLINK else _UPLINK).get(cid)
    if row is None:
        raise FrameError(f"unknown {'downlink' if direction == DOWNLINK else 'uplink'} MAC command 0x{cid:02x}")
    return row


def _fields(direction: int, cid: int) -> list[tuple[str, int]]:
    fields = []
    for word in _row(direction, cid).split(" ")[1:]:
        name, width = word.split(":")
        fields.append((name, int(width)))
    return fields


def _length(fields: list[tuple[str, int]]) -> int:
    return sum([abs(width) for _, width in fields]) // 8


def _decode(fields: list[tuple[str, int]], payload: bytes | memoryview) -> tuple[int, ...]:
    values = []
    at = first = bits = 0
    for i, (_, width) in enumerate(fields):
        bits += abs(width)
        if bits % 8:
            continue
        number = int.from_bytes(payload[at : at + bits // 8], "little")
        at += bits // 8
        for name, width in fields[first : i + 1]:
            bits -= abs(width)
            if name != "-":
                values.append(_from_field(name, number >> bits & (1 << abs(width)) - 1, width))
        first = i + 1
    return tuple(values)


def _from_field(name: str, value: int, width: int) -> int:
    if name == "freq_hz":
        return value * FREQ_STEP_HZ
    if width < 0 and value >> -width - 1:
        return value - (1 << -width)
    return value


def _to_field(name: str, value: int, width: int) -> int:
    if name == "freq_hz":
        return freq_steps(value)
    if width > 0:
        return fits(name, value, width)
    half = 1 << -width - 1
    if not -half <= value < half:
        raise FrameError(f"{name} is {value}; expected {-half}..{half - 1}")
    return value & 2 * half - 1
