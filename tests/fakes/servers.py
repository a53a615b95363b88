"""A network server that believes everything it hears, once."""

from gateway.links.link import Received
from gateway.network.events import Commit, Committed, Effect, Event, NotCommitted, Reason, Refused


class TrustingServer:
    """Takes every frame as the uplink of one device, without records; the frame's bytes are all it goes by."""

    def __init__(self) -> None:
        self._token = 0
        self._taken: set[bytes] = set()
        self._pending: dict[int, bytes] = {}

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """Take a new frame, or hear the fate of one."""
        if isinstance(event, Received):
            if event.phy_payload in self._taken:
                return [Refused(reason=Reason.REPLAYED, dev_addr=None, detail="these bytes were here before")]
            self._taken.add(event.phy_payload)
            self._token += 1
            self._pending[self._token] = event.phy_payload
            return [Commit(token=self._token, dev_eui=bytes(8), f_cnt_up=self._token, epoch=0, records=())]
        if isinstance(event, Committed):
            del self._pending[event.token]
        elif isinstance(event, NotCommitted):
            self._taken.remove(self._pending.pop(event.token))
        return []

    def wake_at(self) -> int | None:
        """Nothing is ever due."""
        return None

    def wake(self, now_ms: int) -> list[Effect]:
        """Nothing is ever due."""
        return []
