"""A network server that believes everything it hears, once."""

from gateway.links.link import Received
from gateway.network.events import Accepted, Commit, CommitsFailed, Committed, Effect, Event, Reason, Refused
from gateway.store.writes import KeepCounters


class TrustingServer:
    """Takes every frame as an uplink of one device, without records; the frame's bytes are all it goes by."""

    def __init__(self) -> None:
        self._token = 0
        self._taken: set[bytes] = set()
        self._pending: list[tuple[int, bytes]] = []

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """Take a new frame, or hear the fate of some."""
        if isinstance(event, Received):
            return self._hear(event)
        if isinstance(event, Committed):
            self._pending = [entry for entry in self._pending if entry[0] > event.token]
        elif isinstance(event, CommitsFailed):
            self._taken -= {phy_payload for _, phy_payload in self._pending}
            self._pending.clear()
        return []

    def wake_at(self) -> int | None:
        """Nothing is ever due."""
        return None

    def wake(self, now_ms: int) -> list[Effect]:
        """Nothing is ever due."""
        return []

    def _hear(self, received: Received) -> list[Effect]:
        if received.phy_payload in self._taken:
            return [Refused(reason=Reason.REPLAYED, dev_addr=None, detail="these bytes were here before")]
        self._taken.add(received.phy_payload)
        self._token += 1
        self._pending.append((self._token, received.phy_payload))
        counters = KeepCounters(1, self._token, 0, None)
        accepted = Accepted(
            dev_eui=bytes(8),
            f_cnt=self._token,
            f_port=1,
            dr=received.dr,
            freq_hz=received.freq_hz,
            radios=((received.radio, received.rssi_dbm, received.snr_db),),
            phy_len=len(received.phy_payload),
            records=0,
        )
        return [Commit(token=self._token, writes=(counters,), at_once=False), accepted]
