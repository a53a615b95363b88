"""The steps of the self-test that every board has: "" for what is well, else a sentence; loaded when they are asked."""

from ..store.files import Files

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .hardware import Hardware
    from .kept import Kept

_NAME = "selftest"
_PATTERN = bytes(range(0, 256, 5))
_KEY = "selftest"


def flash(hardware: "Hardware") -> str:
    """Write a file, read it back, remove it."""
    try:
        files = Files(hardware.root + "/log")
        if _NAME in files.names():
            files.remove(_NAME)
        files.append(_NAME, _PATTERN)
        found = files.read(_NAME)
        files.remove(_NAME)
    except OSError as error:
        return f"cannot be written ({error}): is it full?"
    return "" if found == _PATTERN else "gives back something else than was written"


def nvs(kept: "Kept") -> str:
    """Write a number, read it back, remove it."""
    value = kept.number(_KEY) + 1
    good = kept.put(_KEY, value) and kept.number(_KEY) == value
    kept.erase(_KEY)
    return "" if good else "cannot be written: counters cannot be kept, the node will not send"


def known(values: "tuple[int | None, ...] | None") -> str:
    """What a sensor that was asked says of itself."""
    return "does not answer" if values is None else ""


def keys(kept: "Kept", abp: bool) -> str:
    """Whether the node has what it joins with."""
    if abp:
        return "" if len(kept.blob("abp")) == 36 else "there is no session: activation is abp, write abp"
    return "" if len(kept.blob("app_key")) == 16 else "there is no app_key of 16 bytes; flash the node again"
