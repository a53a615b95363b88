"""The real esptool, with its errors as causes: what chip is on a port, and an image onto its flash.

esptool is a command made usable as a library: it logs to one place for the whole process, and says in sentences what
went wrong. Here its log is silent, its progress goes to whoever called from the same thread, and sentences become
causes.
"""

import contextlib
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import esptool
import serial
from esptool.cmds import attach_flash, detect_chip, detect_flash_size, reset_chip, run_stub, write_flash
from esptool.loader import ESPLoader
from esptool.logger import TemplateLogger
from esptool.reset import ResetStrategy
from esptool.util import FatalError, PrintOnce, flash_size_bytes
from serial.tools import list_ports

from boards.catalogue.pins import ESP32, ESP32_S3, Chip
from boards.causes import BoardError, Cause
from boards.flashing.image import Image, check_fits

Progress = Callable[[int, int], None]  # so far, of how many; bytes as they go along the cable

BAUD = 460_800
_ROM_BAUD = 115_200
_SAYS_S = 3.0  # until a chip has said what esptool waits for outside of its commands, such as its stub's first word
_ATTEMPTS = 3  # to get a chip into its boot loader, with longer pauses each time
_CHIPS = {chip.name: chip for chip in (ESP32, ESP32_S3)}
_READS_WRONG = ("MD5 of file", "Write failed", "Flash write error", "Failed SPI operation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a port's chip says of itself. name: with its revision. mac: six bytes, the base MAC, machine.unique_id()."""

    chip: Chip
    name: str
    mac: bytes
    flash_mb: int


def look(port: str, *, baud: int = BAUD, stub: bool = True) -> Found:
    """Ask the chip on a port what it is; it starts anew afterwards. Raises BoardError."""
    with _causes(port), _connected(port, baud, stub) as (_, found):
        return found


def write(
    port: str, image: Image, progress: Progress, *, erase: bool = False, baud: int = BAUD, stub: bool = True
) -> Found:
    """Write an image unless it is there already, compare its MD5, and start it. Raises BoardError.

    erase: the whole flash first, files and keys with it; needs the stub. A chip or a flash that does not take the image
    is refused before a byte is written.
    """
    assert stub or not erase, "the ROM cannot erase a whole flash"
    with _causes(port), _connected(port, baud, stub) as (esp, found):
        check_fits(image, found.chip, found.flash_mb)
        _local.progress = progress
        try:
            write_flash(esp, [(image.chip.image_at, image.data)], erase_all=erase, skip_flashed=not erase)
        finally:
            _local.progress = None
        return found


@contextlib.contextmanager
def _connected(port: str, baud: int, stub: bool) -> Iterator[tuple[ESPLoader, Found]]:
    """The chip in its boot loader, and what it is; afterwards it starts what is on its flash."""
    line = _opened(port)
    try:
        esp = detect_chip(line, _ROM_BAUD, connect_attempts=_ATTEMPTS)
        chip = _CHIPS.get(esp.CHIP_NAME)
        if chip is None:
            raise BoardError(Cause.WRONG_CHIP, port=port, found=esp.CHIP_NAME, expected=" or ".join(_CHIPS))
        if stub:
            esp = run_stub(esp)
        esp.WRITE_FLASH_ATTEMPTS = 1  # who lost the connection shall say so, and be run again
        if baud != _ROM_BAUD:
            esp.change_baud(baud)
        attach_flash(esp)
        size = flash_size_bytes(detect_flash_size(esp))
        if size is None:
            raise BoardError(Cause.FLASH_FAULTY, port=port, detail="it does not say how large it is")
        yield esp, Found(chip=chip, name=esp.get_chip_description(), mac=bytes(esp.read_mac()), flash_mb=size >> 20)
        reset_chip(esp, "hard-reset")
    finally:
        line.close()


def _opened(port: str) -> serial.SerialBase:
    """The port, for us alone. Raises BoardError: PORT_ABSENT, PORT_DENIED, PORT_BUSY."""
    try:
        line = serial.serial_for_url(port, _ROM_BAUD, timeout=_SAYS_S, exclusive=True, do_not_open=True)
        if sys.platform == "win32":
            line.rts = line.dtr = False  # opening must not reset the chip there
        line.open()
    except serial.SerialException as error:
        raise BoardError(why_closed(error), port=port) from None
    return line


def why_closed(error: serial.SerialException) -> Cause:
    """On Windows pyserial keeps the system's error as text; a port that is in use is denied there."""
    text = str(error)
    if error.errno == 2 or "FileNotFoundError" in text:
        return Cause.PORT_ABSENT
    if error.errno == 13:
        return Cause.PORT_DENIED
    if error.errno in (11, 16, 35) or "exclusively lock" in text or "PermissionError" in text:
        return Cause.PORT_BUSY
    return Cause.PORT_ABSENT


@contextlib.contextmanager
def _causes(port: str) -> Iterator[None]:
    """Turn what esptool and pyserial raise into a BoardError."""
    try:
        yield
    except FatalError as error:
        raise _cause_of(error, port) from None
    except serial.SerialTimeoutException as error:  # it takes nothing more
        raise BoardError(Cause.NO_ANSWER, port=port) from error
    except (OSError, EOFError) as error:  # SerialException among them
        cause = Cause.PORT_BUSY if _is_there(port) else Cause.CABLE_CUT
        raise BoardError(cause, port=port) from error
    except (struct.error, UnicodeDecodeError) as error:  # an answer that is none
        raise BoardError(Cause.NOISE, port=port, detail=error) from None


def _cause_of(error: FatalError, port: str) -> BoardError:
    text = str(error).splitlines()[0]
    if not _is_there(port):
        return BoardError(Cause.CABLE_CUT, port=port)
    if any(words in text for words in _READS_WRONG):
        return BoardError(Cause.FLASH_FAULTY, port=port, detail=text)
    if "Failed to connect" in text:
        return BoardError(Cause.NO_ANSWER, port=port)
    return BoardError(Cause.NOISE, port=port, detail=text)


def _is_there(port: str) -> bool:
    if sys.platform == "win32":
        return port in [found.device for found in list_ports.comports()]
    return Path(port).exists()


class _Local(threading.local):
    progress: Progress | None = None


_local = _Local()


class _Silence(TemplateLogger):  # type: ignore[misc]  # esptool has no types
    """esptool's log, which nobody reads, but for its progress."""

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing."""

    def note(self, message: str) -> None:
        """Say nothing."""

    def warning(self, message: str) -> None:
        """Say nothing."""

    def error(self, message: str) -> None:
        """Say nothing; it is raised as well."""

    def stage(self, finish: bool = False) -> None:
        """Say nothing."""

    def set_verbosity(self, verbosity: str) -> None:
        """Stay silent."""

    def progress_bar(
        self, cur_iter: int, total_iters: int, prefix: str = "", suffix: str = "", bar_length: int = 30
    ) -> None:
        """Tell it to the caller of this thread."""
        if _local.progress is not None:
            _local.progress(cur_iter, total_iters)


class _Unread:
    """Stands for a packet in esptool's trace: to write all of them out takes more time than all the rest."""

    def __init__(self, *_: object) -> None:
        pass


esptool.loader.HexFormatter = _Unread
esptool.log.set_logger(_Silence())
ResetStrategy.print_once = PrintOnce(_Silence().warning)  # it has kept the log of its import
