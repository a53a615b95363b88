"""MAC commands from the network, obeyed and answered (TS001-1.0.4 §5); loaded when the first one comes."""

from protocol.compat import const
from protocol.errors import ProtocolError
from protocol.lorawan.frames import DOWNLINK
from protocol.lorawan.mac_commands import (
    DEV_STATUS,
    DEVICE_TIME,
    DL_CHANNEL,
    DUTY_CYCLE,
    LINK_ADR,
    LINK_CHECK,
    NEW_CHANNEL,
    RX_PARAM_SETUP,
    RX_TIMING_SETUP,
    read_commands,
)
from protocol.region import DATA_RATES, KEEP, MAX_CHANNELS, MAX_RX1_DR_OFFSET, MAX_TX_POWER, is_channel, sub_band

from .channels import DEFAULTS, Channels
from .events import LinkAnswered, TimeAnswered
from .session import Session

# What fits the smallest frame on FPort 0. A downlink may ask for more; then the first ones are answered, as §5 wants.
MAX_ANSWERS_LEN = const(51)
_FOPTS_LEN = const(15)
_DR6_BW_HZ = const(250_000)
_LENGTHS = {
    LINK_ADR: 2,
    DUTY_CYCLE: 1,
    RX_PARAM_SETUP: 2,
    DEV_STATUS: 3,
    NEW_CHANNEL: 2,
    RX_TIMING_SETUP: 1,
    DL_CHANNEL: 2,
}
_STICKY = (RX_PARAM_SETUP, RX_TIMING_SETUP, DL_CHANNEL)  # repeated until a class A downlink (§5.4, §5.7, §5.9)


def obey(
    session: Session,
    view: bytes | memoryview,
    adr: bool,
    min_dr: int,
    asked: bytes,
    up_end_ms: int,
    battery: int,
    snr_quarter_db: int,
    room: int,
) -> tuple[bytes, list[object]]:
    """Apply the commands in *view* to *session*; returns the answers, and what the mind is told.

    min_dr: the slowest data rate that the node uses. asked: the CIDs of the requests in the uplink that this downlink
    answers, which ended at *up_end_ms*; an answer that nobody asked for is not believed. battery: 0 mains, 1..254, 255
    not known (§5.5). room: bytes of answers; the first ones that fit are given (§5).
    """
    answers = b""
    told: list[object] = []
    commands, _ = read_commands(view, DOWNLINK)  # what stands before an unknown command counts
    at = 0
    while at < len(commands):
        cid, values = commands[at]
        at += 1
        if cid == LINK_ADR:
            block = [values]
            while at < len(commands) and commands[at][0] == LINK_ADR:
                block.append(commands[at][1])
                at += 1
            answers += bytes([LINK_ADR, _link_adr(session, block, adr, min_dr)]) * len(block)
        elif cid == LINK_CHECK:
            if LINK_CHECK in asked:
                told.append(LinkAnswered(values[0], values[1]))
        elif cid == DEVICE_TIME:
            if DEVICE_TIME in asked:
                told.append(TimeAnswered(values[0], up_end_ms - values[1] * 1000 // 256))
        elif cid == DEV_STATUS:
            margin_db = max(-32, min(31, snr_quarter_db // 4))
            answers += bytes([DEV_STATUS, battery, margin_db & 0x3F])
        elif cid in _LENGTHS:
            answers += _set_up(session, cid, values)
        # The others are TXParamSetupReq, which EU868 devices leave without an answer (§5.8), and those of class B.
    return _first(answers, room, False), told


def sticky(answers: bytes) -> bytes:
    """Those of *answers* that go out again until the network is heard; they leave room for the application."""
    return _first(answers, _FOPTS_LEN, True)


def _first(answers: bytes, limit: int, sticky_only: bool) -> bytes:
    kept = b""
    at = 0
    while at < len(answers):
        end = at + _LENGTHS[answers[at]]
        if not sticky_only or answers[at] in _STICKY:
            if len(kept) + end - at > limit:
                break
            kept += answers[at:end]
        at = end
    return kept


def _link_adr(session: Session, block: list[tuple[int, ...]], adr: bool, min_dr: int) -> int:
    """Obey contiguous LinkADRReqs as one (§5.3): all or nothing; returns the bits for each answer.

    A data rate below *min_dr* is refused as if there were none: a technician decided what the battery is for.
    With ADR off the mask is obeyed and the rest stays as it is, as in LoRaMac-node (RegionCommon.c,
    RegionCommonLinkAdrReqVerifyParams).
    """
    channels = session.channels
    mask: int | None = channels.mask
    for _, _, ch_mask, ch_mask_cntl, _ in block:
        if mask is not None:
            mask = _masked(channels, ch_mask, ch_mask_cntl)
    dr, tx_power, _, _, nb_trans = block[-1]
    if not adr or dr == KEEP:
        dr = session.dr
    if not adr or tx_power == KEEP:
        tx_power = session.tx_power
    dr_ok = dr >= min_dr and channels.carries(channels.mask if mask is None else mask, dr)
    power_ok = tx_power <= MAX_TX_POWER
    if mask is not None and dr_ok and power_ok:
        channels.enable(mask)
        session.dr = dr
        session.tx_power = tx_power
        if adr:
            session.nb_trans = nb_trans or 1
    return (mask is not None) | dr_ok << 1 | power_ok << 2


def _set_up(session: Session, cid: int, values: tuple[int, ...]) -> bytes:
    if cid == DUTY_CYCLE:
        session.max_duty_cycle = values[0]
    elif cid == RX_TIMING_SETUP:
        session.rx_delay_s = values[0] or 1
    elif cid == RX_PARAM_SETUP:
        return bytes([cid, _rx_param(session, values)])
    elif cid == NEW_CHANNEL:
        status = new_channel(session.channels, values[0], values[1], values[2], values[3])
        session.settle()
        return bytes([cid, status])
    else:
        return bytes([cid, dl_channel(session.channels, values[0], values[1])])
    return bytes([cid])


def _rx_param(session: Session, values: tuple[int, ...]) -> int:
    """Obey an RXParamSetupReq, all or nothing (§5.4); returns the bits of the answer."""
    offset, dr, freq_hz = values
    status = is_channel(freq_hz) | (dr < len(DATA_RATES)) << 1 | (offset <= MAX_RX1_DR_OFFSET) << 2
    if status == 7:
        session.rx1_dr_offset = offset
        session.rx2_dr = dr
        session.rx2_freq_hz = freq_hz
    return status


def new_channel(channels: Channels, index: int, freq_hz: int, max_dr: int, min_dr: int) -> int:
    """Obey a NewChannelReq; returns the bits of its answer: 1 frequency, 2 data rates (TS001-1.0.4 §5.6).

    Frequency 0 removes the channel. The default ones stay as they are.
    """
    if not DEFAULTS <= index < MAX_CHANNELS:
        return 0
    if not freq_hz:
        channels.remove(index)
        return 3
    drs_ok = min_dr <= max_dr < len(DATA_RATES)
    freq_ok = is_channel(freq_hz) and not (drs_ok and _is_wide(min_dr, max_dr) and not _fits_wide(freq_hz))
    if drs_ok and freq_ok:
        channels.define(index, freq_hz, max_dr, min_dr)
    return (1 if freq_ok else 0) | (2 if drs_ok else 0)


def dl_channel(channels: Channels, index: int, freq_hz: int) -> int:
    """Obey a DlChannelReq; returns the bits of its answer: 1 frequency, 2 there is an uplink channel (§5.9)."""
    exists = index < MAX_CHANNELS and channels.freqs[index] > 0
    freq_ok = is_channel(freq_hz)
    if exists and freq_ok:
        channels.downs[index] = freq_hz
        channels.changed()
    return (1 if freq_ok else 0) | (2 if exists else 0)


def _masked(channels: Channels, ch_mask: int, ch_mask_cntl: int) -> int | None:
    """The mask that one LinkADRReq asks for, or None if EU868 does not have it (RP 1.0.3revA §2.2.5).

    ChMaskCntl 0 gives all 16 bits, 6 enables every channel there is; a channel that is not defined cannot be.
    """
    if ch_mask_cntl == 6:
        return channels.defined()
    if ch_mask_cntl or not ch_mask or ch_mask & ~channels.defined():
        return None
    return ch_mask


def _is_wide(min_dr: int, max_dr: int) -> bool:
    return min_dr <= 6 <= max_dr  # DR6 alone takes 250 kHz


def _fits_wide(freq_hz: int) -> bool:
    try:
        sub_band(freq_hz, _DR6_BW_HZ)
    except ProtocolError:
        return False
    return True
