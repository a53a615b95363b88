"""Two firmwares and the way back, as the body sees to it: loaded when a day has passed, and while one is on trial.

What slots and manifests are is loaded by those functions alone that have to do with them.
"""

from protocol.compat import const
from protocol.errors import ProtocolError

from ..boot import STRAIN, TRIAL, UNDONE
from ..events import Sent

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any

    from ..mind import Mind
    from ..store.slots import Slots
    from .alive import NodeBody
    from .being import Being
    from .kept import Kept

DAY_MS = const(86_400_000)
_IDLED_WELL_MS = const(600_000)  # a firmware on trial that does not sleep deep (`slots.py`)
_LOOK_MS = const(60_000)
_STATUS = const(3)  # FPort


def keep_house(body: "Being", now_ms: int) -> None:
    """Do what a day, or a trial, brings; says in `house_ms` when to be asked again."""
    if body.boot & TRIAL:
        body.house_ms = now_ms + _LOOK_MS
        if body.answered and now_ms - body.born_ms >= _IDLED_WELL_MS:
            rest_in_order(body)
        elif now_ms >= DAY_MS:
            _carry_all(body, _slots(body).give_up())
            body.hardware.machine.reset()
        return
    body.kept.erase("error")
    if body.boot >= STRAIN:
        try_again(body)
    body.house_ms = now_ms - now_ms % DAY_MS + DAY_MS


def try_again(body: "Being") -> None:
    """It has done well for so long that what ended the runs before counts no more; in safe mode, begin anew."""
    _carry_all(body, _slots(body).settled())
    if body.safe:
        body.restart()


def rest_in_order(body: "Being") -> None:
    """A firmware on trial to which the network has answered is confirmed as it comes to rest."""
    if body.boot & TRIAL and body.answered:
        slots = _slots(body)
        slots.answered()
        _carry_all(body, slots.rested(_floor(body)))


def says_answered(kept: "Kept", key: str, value: int | bytes) -> bool:
    """Whether what is about to be persisted says that the network has answered: a session, or FCntDown."""
    if key == "session" and isinstance(value, bytes):
        from ..session import has_heard

        return has_heard(kept.blob(key), value)
    return key == "join_nonce"


class Witness:
    """A mind whose status says that an update was taken back; once that is told, it needs not be said again."""

    def __init__(self, mind: "Mind", body: "NodeBody") -> None:
        self._mind = mind
        self._body = body

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Let the mind hear it."""
        if isinstance(event, Sent) and event.f_port == _STATUS and self._body.boot & UNDONE:
            _carry_all(self._body, _slots(self._body).undone_told())
        return self._mind.handle(event, now_ms)

    def wake_at(self) -> int | None:
        """The mind's."""
        return self._mind.wake_at()


def _slots(body: "Being") -> "Slots":
    from ..store.slots import Slots

    return Slots(body.boot, body.kept.number("floor"))


def _carry_all(body: "Being", actions: "list[Any]") -> None:
    for action in actions:
        if body.carry(action) and action.key == "boot":
            body.boot = action.value


def _floor(body: "Being") -> int:
    """The lowest version that this firmware lets follow it; 0 if its manifest cannot be read any more."""
    from protocol.manifest import MANIFEST_NAME, open_manifest

    from ..boot import slot_of
    from ..store.files import Files

    try:
        files = Files(body.hardware.root + slot_of(body.boot))
        return open_manifest(files.read(MANIFEST_NAME), body.kept.blob("update_key")).floor
    except (OSError, ProtocolError):
        return 0
