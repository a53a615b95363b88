"""What network and device ask each other in MAC commands (TS001-1.0.4 §5), one thing at a time from our side.

A device that listens at other times than this network wants, or does not know the channels of its plan, is brought in
line by one set-up request after another, each repeated until it is answered, ever more rarely. FOpts hold all that we
ever say at once: two answers, a set-up request or a LinkADRReq.
"""

from typing import TYPE_CHECKING

from gateway.network.adr import REQUIRED_SNR_DB, Adr, best_plan_dr
from gateway.network.registration import Registration, Role
from gateway.network.session import SessionRow
from gateway.network.settings import NetworkSettings
from protocol.civil import LEAP_S
from protocol.lorawan.frames import DOWNLINK, F_OPTS_MAX_LEN, UPLINK
from protocol.lorawan.mac_commands import (
    DEV_STATUS,
    DEVICE_TIME,
    LINK_ADR,
    LINK_CHECK,
    NEW_CHANNEL,
    RX_PARAM_SETUP,
    RX_TIMING_SETUP,
    encode_command,
    read_commands,
)
from protocol.region import CHANNEL_MAX_DR, DEFAULT_CHANNELS, PLANS, RX2_FREQ_HZ

if TYPE_CHECKING:
    from gateway.network.device import Session

_UNIX_GPS_EPOCH_MS = 315_964_800_000  # 1980-01-06 00:00 UTC
_GPS_LEAP_MS = LEAP_S * 1000
_MAX_MARGIN_DB = 254  # 255 is reserved (§5.2)
_MAX_DOUBLINGS = 10  # a set-up that nobody answers is asked for again at least every 1,024 uplinks
_REFUSED_DOUBLINGS = 6  # one that was refused, not before another 64
_DAY_MS = 86_400_000


class Talk:
    """What is open between the network and the device of one session.

    adr: None where data rates are fixed. channels: bits of those the device surely knows. battery, margin_db: of its
    last DevStatusAns, None before.
    """

    __slots__ = ("_new_channel", "_next", "_status_due_ms", "_tries", "adr", "battery", "channels", "margin_db")

    def __init__(self, registration: Registration, row: SessionRow) -> None:
        plan = PLANS[registration.plan]
        max_dr = best_plan_dr(plan)
        self.adr = None if max_dr is None else Adr(max_dr, 3 if registration.role is Role.FOREIGN else 1)
        foreign = registration.role is Role.FOREIGN
        known = DEFAULT_CHANNELS if foreign and row.dev_nonce < 0 else plan.channels
        self.channels = (1 << len(known)) - 1
        self.battery: int | None = None
        self.margin_db: int | None = None
        self._status_due_ms: int | None = 0 if foreign else None
        self._new_channel = 0
        self._next = 0  # no set-up before this FCntUp
        self._tries = 0

    def hear(
        self,
        session: "Session",
        settings: NetworkSettings,
        commands: bytes | memoryview,
        dr: int,
        snr_db: float | None,
        radios: int,
        unix_ms: int | None,
    ) -> bytes:
        """Take what a device says and asks; returns the answers, to be sent in its next window.

        unix_ms: at the end of its uplink (§5.10); None when nobody knows, and then the time is not told.
        """
        link = time = b""  # each asked for once, however often it is named
        for cid, values in read_commands(commands, UPLINK)[0]:
            if cid == LINK_CHECK:
                link = encode_command(DOWNLINK, LINK_CHECK, _margin_db(dr, snr_db), min(radios, 255))
            elif cid == DEVICE_TIME:
                time = b"" if unix_ms is None else _device_time(unix_ms)
            elif cid == LINK_ADR and self.adr is not None:
                self.adr.answered(*values)
            elif cid == DEV_STATUS:
                self.battery, self.margin_db = values
            elif cid in (RX_TIMING_SETUP, RX_PARAM_SETUP, NEW_CHANNEL):
                self._set_up(session, settings, cid, all(values))
        return link + time

    def wants(self, session: "Session", settings: NetworkSettings, f_cnt: int, adr: bool, now_ms: int) -> bytes:
        """A request that is due with the answer to uplink *f_cnt*, in at most 15 bytes; `asked` remembers it.

        adr: the device lets the network choose.
        """
        if f_cnt >= self._next:
            request = self._request(session, settings, adr, now_ms)
            if request:
                return request
        if adr and self.adr is not None:
            wish = self.adr.due(f_cnt)
            if wish is not None:
                dr, tx_power, nb_trans = wish
                return encode_command(DOWNLINK, LINK_ADR, dr, tx_power, self.channels, 0, nb_trans)
        return b""

    def asked(self, request: bytes, f_cnt: int, now_ms: int) -> None:
        """*request*, of `wants`, goes out in the answer to uplink *f_cnt*."""
        if request[0] == LINK_ADR:
            assert self.adr is not None
            self.adr.asked(f_cnt)
        elif request[0] == DEV_STATUS:
            self._status_due_ms = now_ms + _DAY_MS
        else:
            self._next = f_cnt + (1 << self._tries)
            self._tries = min(self._tries + 1, _MAX_DOUBLINGS)

    def _request(self, session: "Session", settings: NetworkSettings, adr: bool, now_ms: int) -> bytes:
        row = session.row
        if row.rx_delay_s != settings.rx_delay_s:
            return encode_command(DOWNLINK, RX_TIMING_SETUP, settings.rx_delay_s)
        if (row.rx1_dr_offset, row.rx2_dr) != (settings.rx1_dr_offset, settings.rx2_dr):
            return encode_command(DOWNLINK, RX_PARAM_SETUP, settings.rx1_dr_offset, settings.rx2_dr, RX2_FREQ_HZ)
        channels = PLANS[session.device.registration.plan].channels
        if adr and self.channels + 1 < 1 << len(channels):
            self._new_channel = self.channels.bit_length()
            return encode_command(
                DOWNLINK, NEW_CHANNEL, self._new_channel, channels[self._new_channel], CHANNEL_MAX_DR, 0
            )
        if self._status_due_ms is not None and now_ms >= self._status_due_ms:
            return encode_command(DOWNLINK, DEV_STATUS)
        return b""

    def _set_up(self, session: "Session", settings: NetworkSettings, cid: int, done: bool) -> None:
        """A set-up was answered. One that nobody here asked for answers a request from before a restart: the same."""
        if not done:
            self._tries = max(self._tries, _REFUSED_DOUBLINGS)
            self._next = max(self._next, session.f_cnt_up + (1 << self._tries))
            return
        self._tries = self._next = 0
        row = session.row
        if cid == RX_TIMING_SETUP:
            if row.rx_delay_s != settings.rx_delay_s:
                session.use_windows(settings.rx_delay_s, row.rx1_dr_offset, row.rx2_dr)
        elif cid == RX_PARAM_SETUP:
            if (row.rx1_dr_offset, row.rx2_dr) != (settings.rx1_dr_offset, settings.rx2_dr):
                session.use_windows(row.rx_delay_s, settings.rx1_dr_offset, settings.rx2_dr)
        elif self._new_channel:
            self.channels |= 1 << self._new_channel
            self._new_channel = 0


def fits(answers: bytes, request: bytes) -> bool:
    """Whether both go into one frame's FOpts."""
    return len(answers) + len(request) <= F_OPTS_MAX_LEN


def _margin_db(dr: int, snr_db: float | None) -> int:
    """Margin of a LinkCheckAns: dB above what the uplink's data rate requires (§5.2); 0 where nothing is measured."""
    if snr_db is None or dr >= len(REQUIRED_SNR_DB):
        return 0
    return max(0, min(_MAX_MARGIN_DB, int(snr_db - REQUIRED_SNR_DB[dr])))


def _device_time(unix_ms: int) -> bytes:
    gps_ms = unix_ms - _UNIX_GPS_EPOCH_MS + _GPS_LEAP_MS
    return encode_command(DOWNLINK, DEVICE_TIME, gps_ms // 1000 & 0xFFFFFFFF, gps_ms % 1000 * 256 // 1000)
