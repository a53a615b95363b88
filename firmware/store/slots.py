"""Updates that can always be taken back: two slots of firmware, of which one is confirmed and the other tried.

One number, written by one NVS write, says all that must survive: which slot is confirmed, whether the other is on
trial, and how badly the last runs ended. So a power cut finds it before or after a transition, never between. The
confirmed slot is never written. An update goes into the other one, file by file; as long as it is not staged, nothing
ever looks at it, so it may be torn at any byte. Staging reads it back against its signed manifest and is the one write
that starts the trial. /boot.py counts each start of a trial, because of which it ends: confirmed, after the network
has answered and the node then came to rest in good order, or taken back, after four bad ends, 1,024 wakes without an
answer, or a day (the body calls `give_up` when `gives_up_at` has come).

    state     event                                        next state                 what runs
    --------  -------------------------------------------  -------------------------  ------------------------
    STEADY x  stage: manifest, version and files are good   TRIAL x→y, strain 0        y, from the restart on
    STEADY x  stage: anything else                          STEADY x                   x
    TRIAL     boot after power on, crash or hang            TRIAL, strain + 256        y
    TRIAL     boot from deep sleep                          TRIAL, strain + 1          y
    TRIAL     the boot with which strain reaches 1,024      STEADY x, undone           x
    TRIAL     give_up                                       STEADY x, undone           x, from the restart on
    TRIAL     answered, then rested                         STEADY y, floor raised     y
    STEADY x  boot after crash or hang                      STEADY x, strain + 256     x; in safe mode from 768 on
    STEADY x  boot after power on                           STEADY x, strain ≤ 512     x: one more try
    STEADY x  boot from deep sleep, after leave, by hand    STEADY x                   x
    STEADY x  settled: a day in good order                  STEADY x, strain 0; out    x
                                                            of safe mode: 512
"""

from protocol.compat import const
from protocol.errors import MessageError
from protocol.manifest import MANIFEST_NAME, Manifest, open_manifest, version_text

from ..actions import Persist
from ..boot import ORDERLY, SLOT_B, SLOTS, STRAIN, TRIAL, UNDONE, is_safe

TRIAL_MS = const(86_400_000)  # from the boot on: a node whose power comes and goes ends a trial by its bad ends

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Protocol

    class SlotFiles(Protocol):
        """The files of a slot: `firmware/store/files.py`. Every method may raise OSError."""

        def walk(self) -> list[str]:
            """The paths of all files in the folder and those below it."""

        def read(self, name: str) -> bytes:
            """All of a file."""

        def digest(self, name: str) -> bytes:
            """The SHA-256 of a file."""


class Slots:
    """state: the number under "boot" as /boot.py left it. floor: the number under "floor", 0 at first.

    Each transition returns what must be persisted, in this order.
    """

    def __init__(self, state: int, floor: int) -> None:
        self._state = state
        self._floor = floor
        self._answered = False
        self._leaving = False  # the next run decides on; what this one still does proves nothing

    def spare(self) -> str:
        """The folder into which an update is written; during a trial there is none: ""."""
        return "" if self.on_trial() else SLOTS[1 - (self._state & SLOT_B)]

    def on_trial(self) -> bool:
        """Whether this firmware must still prove itself."""
        return bool(self._state & TRIAL)

    def in_safe_mode(self) -> bool:
        """Whether to run radio and orders only."""
        return is_safe(self._state)

    def undone(self) -> bool:
        """Whether an update was taken back and this was not told yet; until `undone_told`."""
        return bool(self._state & UNDONE)

    def stage(self, files: "SlotFiles", key: bytes) -> list[object]:
        """Try the update in the spare slot from the restart on, if it is whole, signed for this node and new enough.

        files: of `spare`. key: the node's update key. Raises ProtocolError, which says why it is refused; nothing has
        changed then.
        """
        if self.on_trial():
            raise MessageError("update: one is on trial already; wait until it is confirmed or taken back")
        check(files, key, self._floor)
        self._leaving = True
        return self._become(self._state & SLOT_B | TRIAL)

    def answered(self) -> None:
        """The network has answered: a Join-Accept, or any authentic downlink."""
        self._answered = True

    def rested(self, floor: int) -> list[object]:
        """The node goes to sleep in good order, or has idled well for ten minutes; floor: of its own manifest."""
        if self._leaving or not (self.on_trial() and self._answered):
            return []
        actions: list[object] = []
        if floor > self._floor:
            self._floor = floor
            actions.append(Persist("floor", floor))  # first: a cut behind it leaves the trial going on
        return actions + self._become((self._state & SLOT_B) ^ SLOT_B)

    def gives_up_at(self) -> int | None:
        """When to call `give_up`, in ms of the clock that power starts and deep sleep does not stop; None: never."""
        return TRIAL_MS if self.on_trial() and not self._leaving else None

    def give_up(self) -> list[object]:
        """A day of trial has passed without proof. Restart then."""
        if self._leaving or not self.on_trial():
            return []
        self._leaving = True
        return self._become(self._state & SLOT_B | UNDONE | ORDERLY)

    def settled(self) -> list[object]:
        """A day has passed in good order. In safe mode, restart then: the whole firmware gets one more try."""
        strain = 512 if self.in_safe_mode() else 0
        if self.on_trial() or self._state // STRAIN <= strain:
            return []
        return self._become(self._state % STRAIN + strain * STRAIN)

    def leave(self) -> list[object]:
        """The node restarts on purpose: no crash."""
        return self._become(self._state | ORDERLY)

    def undone_told(self) -> list[object]:
        """A status has said that the update was taken back."""
        return self._become(self._state & ~UNDONE) if self.undone() else []

    def _become(self, state: int) -> list[object]:
        self._state = state
        return [Persist("boot", state)]


def check(files: "SlotFiles", key: bytes, floor: int) -> Manifest:
    """Read a slot back against its manifest and return that. Raises ProtocolError for the first thing wrong.

    A file that the manifest does not name is wrong too: Python would find it first.
    """
    try:
        manifest = open_manifest(files.read(MANIFEST_NAME), key)
        if manifest.version < floor:
            raise MessageError(
                f"update: version {version_text(manifest.version)} is older than this node accepts; "
                f"expected {version_text(floor)} or newer"
            )
        names = {name for name, _ in manifest.files}
        for name in files.walk():
            if name != MANIFEST_NAME and name not in names:
                raise MessageError(f"update: {name} is not in the manifest; was the slot emptied first?")
        for name, digest in manifest.files:
            if files.digest(name) != digest:
                raise MessageError(f"update: {name} is not what the manifest says; write it again")
    except OSError as error:
        raise MessageError(f"update: a file is missing or cannot be read ({error}); write it again")
    return manifest
