"""What is kept of a crash: the last error in twenty bytes, for the status and a support call."""

from protocol.telemetry import MAX_ERROR_TEXT

HANG = "watchdog"  # the last error of a run that the watchdog ended: nothing else is known of it


def last_error(traceback: str) -> str:
    """The place and the name of an exception, such as `mind:123 KeyError`, in at most MAX_ERROR_TEXT bytes.

    traceback: what sys.print_exception writes; the last file named in it is where it happened.
    """
    place = ""
    name = ""
    for line in traceback.split("\n"):
        if line.startswith("  File "):
            place = _place(line)
        elif line and not line.startswith(" "):
            name = line.split(":")[0]
    text = place + name
    while len(text.encode()) > MAX_ERROR_TEXT:
        text = text[:-1]
    return text


def _place(line: str) -> str:
    """`mind:123 ` from `  File "firmware/mind.py", line 123, in handle`."""
    path, _, rest = line[len("  File ") :].partition(", line ")
    module = path.strip('"').split("/")[-1].split(".")[0]
    return module + ":" + rest.split(",")[0] + " "
