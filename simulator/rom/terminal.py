"""A boot loader at the end of a pseudo-terminal, with a cable that has a speed and can be pulled."""

from typing import Self

from simulator.rom.loader import Loader


class RomTerminal:
    """path: of the pseudo-terminal's other end. Use it as a context: a thread serves it meanwhile.

    baud: how fast bytes go at the most, 0: as fast as they can. cut_after: the cable is pulled when so many bytes have
    gone to the chip; what was on its way is lost. pulled: whether that has happened.
    """

    path: str
    pulled: bool

    def __init__(self, loader: Loader, *, baud: int = 0, cut_after: int | None = None) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(self, *_: object) -> None:
        raise NotImplementedError
