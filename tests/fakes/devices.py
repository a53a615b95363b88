"""A device of the network server's tests: what it has in common with its session, and frames it sends."""

from gateway.links.link import Received
from gateway.network.session import Session
from protocol.lorawan.frames import UPLINK
from protocol.lorawan.security import SessionKeys, seal_data
from protocol.quantities import AIR_FULL
from protocol.telemetry import F_PORT_READINGS, F_PORT_STATUS, Reading, Status, encode_readings, encode_status

VALUES = (21, 34, 44, 61, 431, 184, 55, 10132)


class Device:
    """An air node with an ABP session; *number* tells devices apart, also by key."""

    def __init__(self, number: int = 1, dev_addr: int | None = None) -> None:
        self.dev_eui = bytes([2, 0, 0, 0, 0, 0, 0, number])
        self.dev_addr = 0x26000000 + number if dev_addr is None else dev_addr
        self.epoch = 0xBEEF
        self._secrets = (bytes([number]) * 16, bytes([0x80 | number]) * 16)
        self._keys = SessionKeys(*self._secrets)

    def session(self, f_cnt_up: int = -1) -> Session:
        """What the gateway is told of it."""
        return Session(
            dev_eui=self.dev_eui,
            dev_addr=self.dev_addr,
            keys=SessionKeys(*self._secrets),
            place=f"corner-{self.dev_eui[-1]}",
            epoch=self.epoch,
            f_cnt_up=f_cnt_up,
        )

    def frame(self, f_cnt: int, f_port: int | None, payload: bytes) -> bytes:
        """Any payload, encrypted and signed."""
        return seal_data(self._keys, UPLINK, self.dev_addr, f_cnt, f_port, payload)

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


def heard(phy_payload: bytes, dr: int = 5) -> Received:
    """The frame as a gateway's radio received it."""
    return Received(radio="gateway", phy_payload=phy_payload, freq_hz=868_100_000, dr=dr, rssi_dbm=-97, snr_db=6.5)
