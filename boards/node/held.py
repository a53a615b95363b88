"""A serial port in somebody's hands: let go of without a reset, and its loss said as a cause."""

from types import TracebackType
from typing import Any, Self

from boards.causes import BoardError, Cause


class Held:
    """Whoever holds a port; a context that lets go of it. path: the port's name."""

    def __init__(self, path: str, port: Any) -> None:
        self.path = path
        self._port = port

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the port."""
        release(self._port)


class losing:  # noqa: N801 - reads as the context that it is
    """What pyserial raises when the cable goes becomes CABLE_CUT, and NO_ANSWER if the board takes nothing more."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if type(error).__name__ == "SerialTimeoutException":  # serial is imported by whoever opens a port
            raise BoardError(Cause.NO_ANSWER, port=self._path) from error
        if isinstance(error, OSError | TypeError):  # pyserial's read of a port that was closed meanwhile
            raise BoardError(Cause.CABLE_CUT, port=self._path) from error


def release(port: Any) -> None:
    """Close a port without a reset: RTS before DTR, as Windows does not."""
    for line in ("rts", "dtr"):
        try:
            setattr(port, line, False)
        except OSError:
            break
    try:
        port.close()
    except OSError:
        return
