"""What is kept of a crash: the last error in twenty bytes, for the status and a support call."""

from protocol.compat import on_demand
from protocol.telemetry import MAX_ERROR_TEXT

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Iterable

SEAMS = "seams"  # the file of a slot, which is where a node is
_FILE = "  File "
HANG = "watchdog"  # the last error of a run that the watchdog ended: nothing else is known of it


@on_demand
def in_sources(traceback: str, seams: "Iterable[str]") -> str:
    """A traceback with modules and lines as sources have them, where it names a weld (`boards/firmware/weld.py`).

    seams: lines of a weld, a module in it, and the line before the module's first; in the order of these.
    """
    lines = traceback.split("\n")
    told = [seam.split() for seam in seams]
    for k, line in enumerate(lines):
        if line.startswith(_FILE):
            path, _, rest = line[len(_FILE) :].partition(", line ")
            number, comma, where = rest.partition(",")
            for weld, module, before in told:
                if path.strip('"') == weld and int(number) > int(before):  # of these the last one
                    lines[k] = f'{_FILE}"{module}", line {int(number) - int(before)}{comma}{where}'
    return "\n".join(lines)


def last_error(traceback: str) -> str:
    """The place and the name of an exception, such as `mind:123 KeyError`, in at most MAX_ERROR_TEXT bytes.

    traceback: what sys.print_exception writes; the last file named in it is where it happened.
    """
    place = ""
    name = ""
    for line in traceback.split("\n"):
        if line.startswith(_FILE):
            place = _place(line)
        elif line and not line.startswith(" "):
            name = line.split(":")[0]
    text = place + name
    while len(text.encode()) > MAX_ERROR_TEXT:
        text = text[:-1]
    return text


def _place(line: str) -> str:
    """`mind:123 ` from `  File "firmware/mind.py", line 123, in handle`."""
    path, _, rest = line[len(_FILE) :].partition(", line ")
    module = path.strip('"').split("/")[-1].split(".")[0]
    return module + ":" + rest.split(",")[0] + " "
