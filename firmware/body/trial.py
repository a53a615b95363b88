"""What a firmware on trial says of itself: loaded once, when it is confirmed."""

from protocol.errors import ProtocolError
from protocol.manifest import MANIFEST_NAME, open_manifest

from ..boot import slot_of
from ..store.files import Files

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .hardware import Hardware
    from .kept import Kept


def floor_of(hardware: "Hardware", kept: "Kept", boot: int) -> int:
    """The lowest version that this firmware lets follow it; 0 if its manifest cannot be read any more."""
    try:
        files = Files(hardware.root + slot_of(boot))
        return open_manifest(files.read(MANIFEST_NAME), kept.blob("update_key")).floor
    except (OSError, ProtocolError):
        return 0
