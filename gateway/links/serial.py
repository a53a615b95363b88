"""The link to a bridge or wired node on a serial port, which may come and go: one thread around pyserial 3.5.

The thread opens, reads, writes and closes; nobody else touches the port, except to wake the thread. What pyserial
leaves to us: after an unplug `is_open` stays True and some calls raise plain OSError, others termios.error, so any
exception means close and open again; every wait has an end; and a port is locked, so that two programs never share
the bytes of one board.
"""

import asyncio
import errno
import logging
import random
import threading
from collections import deque
from typing import Any

import serial

from gateway.links.cable import Cable, Effect
from gateway.links.inbox import Inbox
from gateway.links.link import Heard, Outcome, RadioReport, Transmit, TransmitResult
from gateway.links.retry import Retry

_log = logging.getLogger(__name__)

BAUD = 115_200  # a UART bridge's speed; a board with USB of its own ignores it
# The longest envelope takes 25 ms at 115,200 baud; a board that takes nothing for a second has hung.
_WRITE_S = 1.0
_READ_S = 1.0  # so long, at most, the thread does not look whether it is to stop
_CLOSE_S = 5.0  # so long it is waited for: a driver that hangs may keep it for good
_CHUNK = 4096  # what the kernel keeps of a tty
_CHUNKS = 16  # that the loop has not yet taken: 64 KiB; then the thread stops reading, and the kernel drops
_OUTBOX = 128  # envelopes that wait for the thread: a second's worth at 115,200 baud


class SerialLink:
    """Implements gateway.links.link.Link for the port at *path*; made inside a running loop, it starts at once.

    path: best one of /dev/serial/by-id, which names the board and not the order of plugging. firmware: what the
    gateway's HELLO calls it. A port that is not there is waited for.
    """

    def __init__(self, path: str, firmware: str, baud: int = BAUD, retry: Retry | None = None) -> None:
        self._path = path
        self._baud = baud
        self._retry = retry or Retry(random.Random())
        self._radio = f"serial:{path}"
        self._core = Cable(self._radio, firmware)
        self._inbox = Inbox()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._told = ""  # the last failure the operator was told of: each kind once
        self._opening: _Opening | None = None
        self._was_known = False
        self._room = threading.Semaphore(_CHUNKS)
        self._stop = threading.Event()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._live, name=self._radio, daemon=True)
        self._thread.start()

    @property
    def radio(self) -> str:
        """The name of the bridge's or node's radio; of the port (`serial:` and its path) while nobody is known."""
        return self._core.radio

    @property
    def overflow(self) -> int:
        """What the inbox had no room for, since start."""
        return self._inbox.overflow

    @property
    def waiting(self) -> int:
        """How much was heard and not yet taken."""
        return len(self._inbox)

    async def receive(self) -> Heard:
        """As `Link.receive`."""
        return await self._inbox.get()

    async def transmit(self, transmit: Transmit) -> None:
        """As `Link.transmit`. What was under way when the port went has NO_ANSWER: it may have gone out."""
        if self._opening is not None and len(self._opening.outbox) >= _OUTBOX:
            self._inbox.put(TransmitResult(token=transmit.token, outcome=Outcome.COLLISION))
            return
        self._do(self._core.transmit(transmit, self._now_ms()))

    async def close(self) -> None:
        """As `Link.close`; waits until the thread has let go of the port, a second at most unless the driver hangs."""
        self._stop.set()
        if self._opening is not None:
            self._opening.poke()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._ended.wait()
            self._thread.join()
        except TimeoutError:
            _log.warning("%s: its driver hangs, the port is left as it is", self._path)
        if self._timer is not None:
            self._timer.cancel()
        self._inbox.close()

    # In the loop.

    def _opened(self, opening: "_Opening") -> None:
        self._told = ""
        self._opening = opening
        if self._stop.is_set():
            opening.poke()
        self._do(self._core.opened(self._now_ms()))

    def _heard(self, chunk: bytes) -> None:
        self._room.release()
        self._core.overflow = self._inbox.overflow
        self._do(self._core.feed(chunk, self._now_ms()))

    def _failed(self, why: str) -> None:
        """The port could not be opened, or was lost."""
        self._opening = None
        effects = self._core.lost(why)
        if not any(isinstance(effect, RadioReport) for effect in effects) and why != self._told:
            effects.append(RadioReport(radio=self._radio, online=False, detail=why))
        self._told = why
        self._do(effects)

    def _wake(self) -> None:
        self._timer = None
        self._do(self._core.wake(self._now_ms()))

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if not isinstance(effect, bytes):
                self._inbox.put(effect)
            elif self._opening is not None:
                self._opening.outbox.append(effect)
                self._opening.poke()
        self._was_known = self._core.known
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake_ms = self._core.wake_at()
        if wake_ms is not None:
            self._timer = self._loop.call_later(max(0, wake_ms - self._now_ms()) / 1000, self._wake)

    def _now_ms(self) -> int:
        return int(self._loop.time() * 1000)

    # In the thread.

    def _live(self) -> None:
        """Open the port, serve it until it fails, wait a little, again."""
        while not self._stop.is_set():
            why = self._serve()
            if self._was_known:  # only who has said HELLO is worth hurrying for: a dead port must not be hammered
                self._retry.reset()
            self._tell(self._failed, why)
            self._stop.wait(self._retry.delay_s())
        self._tell(self._ended.set)

    def _serve(self) -> str:
        """Be the port's one reader and writer until it fails or the link is closed; returns the reason."""
        try:
            opening = _Opening(_open(self._path, self._baud))
        except Exception as error:  # OSError, termios.error, ValueError: pyserial lets all of them out
            return why_not_open(self._path, error)
        try:
            self._tell(self._opened, opening)
            while not self._stop.is_set():
                chunk = opening.read()
                if chunk and not self._hand_on(chunk):
                    break
                opening.write()
        except Exception as error:
            return f"{self._path} was lost: unplugged, or read by another program too? ({error})"
        finally:
            opening.close()
        return f"{self._path} was closed"

    def _hand_on(self, chunk: bytes) -> bool:
        """Give *chunk* to the loop, when it has taken enough of those before; False if the link is closed first."""
        while not self._room.acquire(timeout=_READ_S):
            if self._stop.is_set():
                return False
        self._tell(self._heard, chunk)
        return True

    def _tell(self, callback: Any, *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:  # the loop was closed under us: nobody is left to hear it
            self._stop.set()


class _Opening:
    """One time the port is open. outbox: envelopes to write, filled by the loop, emptied by the thread."""

    def __init__(self, port: Any) -> None:
        self.outbox: deque[bytes] = deque()
        self._port = port
        self._lock = threading.Lock()  # between waking the thread and closing: the number of a pipe is soon used again

    def read(self) -> bytes:
        """What has come, at least a byte if any comes in time; `poke` ends the wait."""
        chunk: bytes = self._port.read(1)
        if chunk:
            chunk += self._port.read(min(self._port.in_waiting, _CHUNK - 1))
        return chunk

    def write(self) -> None:
        """Empty the outbox."""
        while self.outbox:
            self._port.write(self.outbox.popleft())

    def poke(self) -> None:
        """Wake the thread, from another."""
        with self._lock:
            if self._port is not None:
                self._port.cancel_read()

    def close(self) -> None:
        """Let go of the port; what is still in the outbox is never written."""
        with self._lock:
            port, self._port = self._port, None
        try:
            port.close()
        except Exception:  # it is gone already
            port.is_open = False


def _open(path: str, baud: int) -> Any:
    port = serial.Serial(baudrate=baud, timeout=_READ_S, write_timeout=_WRITE_S, exclusive=True)
    port.port = path
    # The kernel raises both lines together when it opens a port. They stay so: to a board's reset circuit two lines
    # alike mean nothing, while lowering first one and then the other restarts an ESP32; and a board with USB of its
    # own keeps what it has to say until DTR is up.
    port.dtr = True
    port.rts = True
    port.open()
    return port


def why_not_open(path: str, error: Exception) -> str:
    """A sentence for the operator: why the port at *path* could not be opened, and what to do."""
    number = getattr(error, "errno", None)
    if number in (errno.EAGAIN, errno.EBUSY):
        return (
            f"{path} is held by another program (ModemManager, mpremote, a second gateway?): "
            f"`fuser -v {path}` names it; stop that one"
        )
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO):
        return f"{path} is not there: is it plugged in? `ls /dev/serial/by-id` shows what is"
    if number in (errno.EACCES, errno.EPERM):
        return f"{path} may not be opened by this user; add it to the group that owns the port, usually dialout"
    return f"{path} cannot be opened: {error}"
