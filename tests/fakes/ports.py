"""A serial port made of a pseudo-terminal, and the board at its other end."""

import asyncio
import os
from pathlib import Path

from protocol import envelope
from protocol.envelope import Decoder, Message, message, seal


class Plug:
    """A port at *path*, as udev would link it: there while something is plugged in, each time another terminal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master = self._slave = -1

    def plug(self) -> int:
        """Plug in; returns the descriptor of the board's side."""
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self.path)
        return self._master

    def unplug(self) -> None:
        """Pull it out."""
        self.path.unlink()
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1


class Board:
    """What is plugged in: says HELLO when asked and by itself with `start`, keeps what it is told in `told`.

    result: the outcome it answers a TRANSMIT with; None: it says nothing.
    """

    def __init__(self, role: int, eui: bytes, result: int | None = envelope.SENT) -> None:
        self.hello = message(envelope.HELLO, role=role, firmware="0.1.0", eui=eui, max_phy_len=255, plan=1)
        self.result = result
        self.told: asyncio.Queue[Message] = asyncio.Queue()
        self._decoder = Decoder()
        self._descriptor = -1

    def join(self, descriptor: int) -> None:
        """Be the board's side of a plug."""
        self._descriptor = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._readable)

    def leave(self) -> None:
        """Be pulled out, or hang."""
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
        self._descriptor = -1

    def say(self, content: Message) -> None:
        """Send a message up the cable."""
        self.write(seal(content))

    def write(self, data: bytes) -> None:
        """Send anything up the cable."""
        assert os.write(self._descriptor, data) == len(data)

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, 4096)
        except OSError:  # nobody has the port open
            return
        for content in self._decoder.feed(data):
            self.told.put_nowait(content)
            if content.kind == envelope.HELLO:
                self.say(self.hello)
            elif content.kind == envelope.TRANSMIT and self.result is not None:
                self.say(
                    message(
                        envelope.TRANSMIT_RESULT,
                        token=content.token,
                        outcome=self.result,
                        started_us=1 if self.result == envelope.SENT else None,
                        actual_dbm=14 if self.result == envelope.SENT else None,
                    )
                )
