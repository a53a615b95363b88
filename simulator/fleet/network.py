"""A network that hears everything at once, for the life that warm nodes had before the run: joins, time, data rate."""

from dataclasses import dataclass

from protocol.lorawan.frames import CONFIRMED_DATA_UP, DOWNLINK, JOIN_REQUEST, UPLINK, frame_mtype, parse_frame
from protocol.lorawan.join import (
    CF_LIST_CHANNELS,
    JoinAccept,
    derive_session_keys,
    parse_join_request,
    seal_join_accept,
)
from protocol.lorawan.mac_commands import DEVICE_TIME, LINK_ADR, LINK_CHECK, encode_command, parse_commands
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload, seal_data
from protocol.region import DEFAULT_CHANNELS, Plan

_ALL_CHANNELS = 6  # ChMaskCntl: every channel there is (RP 1.0.3revA §2.2.5)
_MARGIN_DB = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """What a network tells in its Join-Accepts."""

    net_id: int = 1
    rx_delay_s: int = 5
    rx2_dr: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmSession:
    """What node and network share since the node joined, before the run.

    f_cnt_up: the last one heard, -1 for none. f_cnt_down: the first that was not used. dev_nonce, join_nonce: of the
    join. epoch, next_seq: of the node's log; what is below was heard. windows: as its Join-Accept had them.
    """

    dev_addr: int
    nwk_s_key: bytes
    app_s_key: bytes
    dev_nonce: int
    join_nonce: int
    f_cnt_up: int
    f_cnt_down: int
    epoch: int
    next_seq: int
    windows: Windows


class QuietNetwork:
    """Serves one node in silence. bears: data rate and TXPower that it is told by ADR; None: nothing is told."""

    def __init__(
        self,
        app_key: bytes,
        plan: Plan,
        dev_addr: int,
        windows: Windows,
        bears: tuple[int, int] | None,
        start_gps_s: int,
    ) -> None:
        self._app_key = app_key
        self._plan = plan
        self._dev_addr = dev_addr
        self._windows = windows
        self._bears = bears
        self._start_gps_s = start_gps_s
        self._secrets = (b"", b"")
        self._keys: SessionKeys | None = None
        self._join_nonce = 0
        self._dev_nonce = -1
        self._f_cnt_up = -1
        self._f_cnt_down = 0

    def hear(self, phy_payload: bytes, end_us: int) -> tuple[bytes, int] | None:
        """What it says to a frame that ended at *end_us* of virtual time, and the delay of RX1 in s; None: nothing."""
        if frame_mtype(phy_payload) == JOIN_REQUEST:
            return self._accept(parse_join_request(phy_payload).dev_nonce), 5
        frame = parse_frame(phy_payload)
        assert self._keys is not None
        f_cnt = frame.f_cnt16  # a life before the run is short
        assert mic_matches(self._keys, frame, UPLINK, f_cnt)
        self._f_cnt_up = f_cnt
        payload = open_payload(self._keys, frame, UPLINK, f_cnt)
        f_opts = b""
        for cid, _ in parse_commands(payload if frame.f_port == 0 else frame.f_opts, UPLINK):
            if cid == DEVICE_TIME:
                gps_us = self._start_gps_s * 1_000_000 + end_us
                f_opts += encode_command(
                    DOWNLINK, DEVICE_TIME, gps_us // 1_000_000, gps_us % 1_000_000 * 256 // 1_000_000
                )
            elif cid == LINK_CHECK:
                f_opts += encode_command(DOWNLINK, LINK_CHECK, _MARGIN_DB, 1)
        adr = frame.adr and self._bears is not None
        if adr and self._bears is not None:
            f_opts += encode_command(DOWNLINK, LINK_ADR, *self._bears, 0, _ALL_CHANNELS, 1)
            self._bears = None
        confirmed = frame.mtype == CONFIRMED_DATA_UP
        if not f_opts and not confirmed:
            return None
        # With ADR it says that there is more to come: so the node answers at once, and owes nothing as the run begins.
        answer = seal_data(
            self._keys,
            DOWNLINK,
            self._dev_addr,
            self._f_cnt_down,
            None,
            b"",
            f_opts=f_opts,
            ack=confirmed,
            f_pending=adr,
        )
        self._f_cnt_down += 1
        return answer, self._windows.rx_delay_s

    def session(self, epoch: int, next_seq: int) -> WarmSession | None:
        """What there is at the end; None: the node has not joined."""
        if self._keys is None:
            return None
        return WarmSession(
            dev_addr=self._dev_addr,
            nwk_s_key=self._secrets[0],
            app_s_key=self._secrets[1],
            dev_nonce=self._dev_nonce,
            join_nonce=self._join_nonce,
            f_cnt_up=self._f_cnt_up,
            f_cnt_down=self._f_cnt_down,
            epoch=epoch,
            next_seq=next_seq,
            windows=self._windows,
        )

    def _accept(self, dev_nonce: int) -> bytes:
        """A session, and the Join-Accept that tells it, with the plan's other channels as a gateway gives them."""
        windows = self._windows
        extra = self._plan.channels[len(DEFAULT_CHANNELS) :]
        cf_list = extra + (0,) * (CF_LIST_CHANNELS - len(extra)) if extra else None
        self._join_nonce += 1
        self._dev_nonce = dev_nonce
        self._secrets = derive_session_keys(self._app_key, self._join_nonce, windows.net_id, dev_nonce)
        self._keys = SessionKeys(*self._secrets)
        self._f_cnt_up = -1
        self._f_cnt_down = 0
        accept = JoinAccept(
            self._join_nonce, windows.net_id, self._dev_addr, 0, windows.rx2_dr, windows.rx_delay_s, cf_list
        )
        return seal_join_accept(self._app_key, accept)
