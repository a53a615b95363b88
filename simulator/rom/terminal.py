"""A boot loader at the end of a pseudo-terminal, with a cable that has a speed and can be pulled.

A pseudo-terminal has no RTS and DTR, with which esptool resets a chip into its boot loader. So the chip begins anew
when somebody talks at the speed of the ROM again, and when somebody asks it to synchronize (`loader.py`).
"""

import os
import select
import termios
import threading
import time
import tty
from contextlib import suppress
from pathlib import Path
from typing import Self

from simulator.rom.loader import BAUD as ROM_BAUD
from simulator.rom.loader import Loader

_CHUNK = 1024
_PATIENCE_S = 1.0  # with somebody who does not read
_BITS = 10  # of a byte on the line: start, eight, stop
_SPEEDS = {getattr(termios, name): int(name[1:]) for name in vars(termios) if name[0] == "B" and name[1:].isdigit()}


class RomTerminal:
    """path: of the port. Use it as a context: a thread serves it meanwhile.

    paced: bytes take the time that they take at the speed the port was set to. cut_after: the cable is pulled when so
    many bytes have gone along it, either way; what was on its way is lost. pulled: whether that has happened. link: a
    name for the port that stays the same when the cable is plugged in again.
    """

    def __init__(
        self, loader: Loader, *, paced: bool = False, cut_after: int | None = None, link: Path | None = None
    ) -> None:
        self.loader = loader
        self.pulled = False
        self.carried = 0  # bytes, both ways
        self._paced = paced
        self._cut_after = cut_after
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.path = os.ttyname(self._theirs)
        self._link = link
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(self.path)
            self.path = str(link)
        os.set_blocking(self._ours, False)  # so that nobody holds us up who does not read
        self._ending, self._end = os.pipe()
        self._thread = threading.Thread(target=self._serve, name=f"ROM at {self.path}", daemon=True)
        self._free_s = {True: 0.0, False: 0.0}  # when the line has carried what it was given, by direction

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._end, b"\0")
        self._thread.join(_PATIENCE_S * 10)  # it is a daemon: what holds it up holds nobody else up
        for number in (self._ending, self._end):
            os.close(number)
        self._hang_up()

    def _hang_up(self) -> None:
        if self._ours >= 0:
            os.close(self._ours)
            os.close(self._theirs)
            self._ours = -1
            if self._link is not None:
                self._link.unlink(missing_ok=True)

    def _serve(self) -> None:
        while not self.pulled:
            ready = select.select([self._ours, self._ending], [], [])[0]
            if self._ending in ready:
                return
            baud = self._host_baud()
            data = self._carry(os.read(self._ours, _CHUNK), baud, True)
            if baud != self.loader.baud and baud == ROM_BAUD:
                self.loader.reset()
            if baud == self.loader.baud:  # else it is noise to the chip
                self._answer(self.loader.feed(data), baud)
        self._hang_up()

    def _answer(self, data: bytes, baud: int) -> None:
        for begin in range(0, len(data), _CHUNK):
            piece = self._carry(data[begin : begin + _CHUNK], baud, False)
            while piece and select.select([self._ending], [self._ours], [], _PATIENCE_S)[1]:
                with suppress(BlockingIOError):
                    piece = piece[os.write(self._ours, piece) :]
            if self.pulled:
                return

    def _carry(self, data: bytes, baud: int, to_chip: bool) -> bytes:
        """What of *data* gets through, when it has."""
        if self._cut_after is not None:
            data = data[: max(self._cut_after - self.carried, 0)]
            self.carried += len(data)
            self.pulled = self.carried >= self._cut_after
        else:
            self.carried += len(data)
        if self._paced:
            now_s = time.monotonic()
            self._free_s[to_chip] = max(self._free_s[to_chip], now_s) + len(data) * _BITS / baud
            select.select([self._ending], [], [], max(self._free_s[to_chip] - now_s, 0))
        return data

    def _host_baud(self) -> int:
        """The speed that the other end has set: both ends of a pseudo-terminal share it."""
        return _SPEEDS[termios.tcgetattr(self._ours)[5]]
