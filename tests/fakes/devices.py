"""A device of the network server's tests: what the gateway is told of it, and frames it sends and understands."""

from gateway.links.link import Received
from gateway.network.registration import Abp, Registration, Role
from protocol.lorawan.counters import full_f_cnt
from protocol.lorawan.frames import DOWNLINK, UPLINK, DataFrame, parse_frame
from protocol.lorawan.join import JoinAccept, derive_session_keys, open_join_accept, seal_join_request
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload, seal_data
from protocol.quantities import AIR_FULL
from protocol.telemetry import F_PORT_READINGS, F_PORT_STATUS, Reading, Status, encode_readings, encode_status

VALUES = (21, 34, 44, 61, 431, 184, 55, 10132)
JOIN_EUI = bytes([2, 0, 0, 0, 0, 0, 1, 0])


class Device:
    """An air node; *number* tells devices apart, also by key. It joins, or has its session from the bench (ABP).

    f_cnt_down: the last one it obeyed. nonce: its next DevNonce.
    """

    def __init__(self, number: int = 1, dev_addr: int | None = None, joins: bool = False, **registered: object) -> None:
        self.number = number
        self.dev_eui = bytes([2, 0, 0, 0, 0, 0, number >> 8, number & 0xFF])
        self.epoch = 0xBEEF
        self.app_key = bytes([0x40, number & 0xFF]) * 8 if joins else None
        self.dev_addr = 0x26000000 + number if dev_addr is None else dev_addr
        low, last = number & 0xFF, (number ^ number >> 8) & 0xFF  # above 255 the last byte tells them apart
        self.secrets = bytes([low]) * 15 + bytes([last]), bytes([low | 0x80]) * 15 + bytes([last | 0x80])
        self.keys = SessionKeys(*self.secrets)
        self.f_cnt_down = -1
        self.nonce = 0
        self._registered = {"role": Role.AIR, **registered}

    def registration(self, **changed: object) -> Registration:
        """What the gateway is told of it."""
        fields: dict = {**self._registered, **changed}
        abp = (
            None if self.app_key else Abp(dev_addr=self.dev_addr, nwk_s_key=self.secrets[0], app_s_key=self.secrets[1])
        )
        return Registration(
            **{
                "device": self.number,
                "dev_eui": self.dev_eui,
                "join_eui": JOIN_EUI,
                "app_key": self.app_key,
                "abp": abp,
                **fields,
            }
        )

    def frame(self, f_cnt: int, f_port: int | None = 1, payload: bytes = b"hello", **flags: object) -> bytes:
        """Any payload, encrypted and signed; flags as `seal_data` has them."""
        if f_port is None:
            payload = b""
        return seal_data(self.keys, UPLINK, self.dev_addr, f_cnt, f_port, payload, **flags)  # type: ignore[arg-type]

    def join_request(self) -> bytes:
        """A Join-Request with the next DevNonce."""
        assert self.app_key is not None
        self.nonce += 1
        return seal_join_request(self.app_key, JOIN_EUI, self.dev_eui, self.nonce - 1)

    def hear_accept(self, phy_payload: bytes) -> JoinAccept:
        """Begin the session that a Join-Accept tells."""
        assert self.app_key is not None
        accept = open_join_accept(self.app_key, phy_payload)
        self.dev_addr = accept.dev_addr
        self.secrets = derive_session_keys(self.app_key, accept.join_nonce, accept.net_id, self.nonce - 1)
        self.keys = SessionKeys(*self.secrets)
        self.f_cnt_down = -1
        return accept

    def hear(self, phy_payload: bytes) -> tuple[DataFrame, bytes]:
        """Obey a downlink: the frame, and its payload; it must be to this device, authentic and new."""
        frame = parse_frame(phy_payload)
        assert (frame.direction, frame.dev_addr) == (DOWNLINK, self.dev_addr)
        f_cnt = full_f_cnt(self.f_cnt_down, frame.f_cnt16)
        assert mic_matches(self.keys, frame, DOWNLINK, f_cnt)
        self.f_cnt_down = f_cnt
        return frame, open_payload(self.keys, frame, DOWNLINK, f_cnt)

    def reading(self, f_cnt: int, seq: int = 0, older: int = 0, age_s: int = 0) -> bytes:
        """A frame of the reading *seq*, *age_s* old, and *older* ones before it, 900 s apart; CO2 tells their seq."""
        uptime_s = 100_000
        log = [
            Reading(number, 1, uptime_s - age_s - 900 * (seq - number), values_of(number))
            for number in range(seq, seq - older - 1, -1)
        ]
        payload, carried = encode_readings(AIR_FULL, log, 1, uptime_s, 222)
        assert carried == len(log)
        return self.frame(f_cnt, F_PORT_READINGS, payload)

    def status(self, f_cnt: int, next_seq: int, epoch: int | None = None) -> bytes:
        """A frame of its status."""
        shown = self.epoch if epoch is None else epoch
        status = Status((0, 1, 0), shown, 1, 12, None, None, None, None, next_seq)
        return self.frame(f_cnt, F_PORT_STATUS, encode_status(status, 51))


def values_of(seq: int) -> tuple[int, ...]:
    """The values of reading *seq*: CO2 is 400 and the number."""
    return (*VALUES[:4], 400 + seq % 1000, *VALUES[5:])


def heard(phy_payload: bytes, dr: int = 5, radio: str = "udp:01", **fields: object) -> Received:
    """The frame as a gateway's radio received it."""
    told = {"freq_hz": 868_100_000, "counter_us": 1_000_000, "rssi_dbm": -97, "snr_db": 6.5, **fields}
    return Received(radio=radio, phy_payload=phy_payload, dr=dr, **told)  # type: ignore[arg-type]
