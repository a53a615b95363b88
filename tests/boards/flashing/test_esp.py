"""The real esptool puts an image onto emulated chips, and what goes wrong has a cause."""

import os
import random
import tty
from pathlib import Path

import pytest
import serial

from boards.catalogue.pins import ESP32, ESP32_S3
from boards.causes import BoardError, Cause
from boards.flashing import esp
from boards.flashing.image import parse_image
from simulator.rom.flash import Flash
from simulator.rom.image import Recipe, make_image
from simulator.rom.loader import Loader
from simulator.rom.slip import framed
from simulator.rom.terminal import RomTerminal

MAC = bytes.fromhex("24a160c0ffee")
SOAK = os.environ.get("LAMPYRE_HYPOTHESIS") == "soak"
CHIPS = {"ESP32": ESP32, "ESP32-S3": ESP32_S3}


def image_of(chip, **changes):
    return parse_image(make_image(Recipe(chip=chip, program_len=6_000, **changes)), Path(f"{chip}.bin"))


IMAGES = {chip: image_of(chip) for chip in CHIPS}


def nobody(_so_far, _of):
    """Somebody who does not want to know."""


def holds(flash, image):
    begin = image.chip.image_at
    return bytes(flash.content[begin : begin + len(image.data)]) == image.data


def fault_of(port, image, **options):
    with pytest.raises(BoardError) as caught:
        esp.write(port, image, nobody, **options)
    return caught.value


@pytest.mark.parametrize("stub", [True, False], ids=["stub", "rom"])
@pytest.mark.parametrize("chip", CHIPS)
def test_an_image_is_on_the_flash_as_it_was_and_the_second_time_is_not_written(chip, stub):
    image, flash = IMAGES[chip], Flash(4, bytes(0x2_0000))
    flash.content[0x20_0000:0x20_0004] = b"kept"
    with RomTerminal(Loader(chip, flash, MAC)) as terminal:
        seen = []
        found = esp.write(terminal.path, image, lambda *so_far: seen.append(so_far), stub=stub)
        assert holds(flash, image)
        assert flash.content[0x20_0000:0x20_0004] == b"kept"
        assert (found.chip, found.mac, found.flash_mb) == (CHIPS[chip], MAC, 4)
        assert found.name.startswith(chip)
        assert seen == sorted(seen)
        assert seen[-1][0] == seen[-1][1] > 0
        erased = flash.erased
        esp.write(terminal.path, image, nobody, stub=stub)
        assert flash.erased == erased


def test_a_chip_is_looked_at():
    flash = Flash(8)
    with RomTerminal(Loader("ESP32-S3", flash, MAC)) as terminal:
        found = esp.look(terminal.path)
    assert (found.chip.name, found.flash_mb, found.mac) == ("ESP32-S3", 8, MAC)
    assert flash.erased == 0


def test_erasing_takes_all_that_was_there():
    flash = Flash(4, bytes(4 << 20))
    with RomTerminal(Loader("ESP32-S3", flash, MAC)) as terminal:
        esp.write(terminal.path, IMAGES["ESP32-S3"], nobody, erase=True)
    assert holds(flash, IMAGES["ESP32-S3"])
    assert set(flash.content[len(IMAGES["ESP32-S3"].data) :]) == {0xFF}


@pytest.mark.parametrize(
    ("image", "flash_mb", "cause", "facts"),
    [
        (IMAGES["ESP32"], 4, Cause.IMAGE_OTHER_CHIP, {"found": "ESP32", "expected": "ESP32-S3"}),
        (image_of("ESP32-S3", flash_mb=8), 4, Cause.IMAGE_LARGE, {"need_mb": "8", "flash_mb": "4"}),
    ],
    ids=["other chip", "flash too small"],
)
def test_what_does_not_fit_is_refused_before_a_byte_is_written(image, flash_mb, cause, facts):
    flash = Flash(flash_mb, bytes(4 << 20))
    with RomTerminal(Loader("ESP32-S3", flash, MAC)) as terminal:
        fault = fault_of(terminal.path, image)
    assert fault.cause is cause
    assert facts.items() <= fault.facts.items()
    assert flash.erased == 0
    assert not any(flash.content)


def test_a_cable_pulled_at_any_byte_is_told_as_that_and_the_next_run_finishes(tmp_path):
    """T-1: cut anywhere, both ways counted, then run again on what is left on the flash."""
    dice = random.Random(7)
    image, link = IMAGES["ESP32-S3"], tmp_path / "ttyACM0"
    with RomTerminal(Loader("ESP32-S3", Flash(4), MAC)) as terminal:
        esp.write(terminal.path, image, nobody)
        whole = terminal.carried
    for cut_after in [1, *(dice.randrange(2, whole - 60) for _ in range(50 if SOAK else 12))]:
        flash = Flash(4)
        with RomTerminal(Loader("ESP32-S3", flash, MAC), cut_after=cut_after, link=link) as terminal:
            fault = fault_of(str(link), image)
            assert terminal.pulled
        assert (fault.cause, fault.facts) == (Cause.CABLE_CUT, {"port": str(link)}), cut_after
        with RomTerminal(Loader("ESP32-S3", flash, MAC), link=link):
            esp.write(str(link), image, nobody)
        assert holds(flash, image), cut_after


def test_a_paced_cable_carries_every_byte():
    flash = Flash(4)
    with RomTerminal(Loader("ESP32", flash, MAC), paced=True) as terminal:
        esp.write(terminal.path, IMAGES["ESP32"], nobody)
    assert holds(flash, IMAGES["ESP32"])


def test_a_host_that_died_leaves_a_chip_that_the_next_can_flash():
    """The first one left the stub running at another speed, in the midst of a block."""
    flash = Flash(4)
    with RomTerminal(Loader("ESP32-S3", flash, MAC)) as terminal:
        esp.look(terminal.path)
        with serial.Serial(terminal.path, esp.BAUD) as line:
            line.write(bytes.fromhex("c0 00 11 00 40 00 00 00 00 01 02 03"))
        esp.write(terminal.path, IMAGES["ESP32-S3"], nobody)
    assert holds(flash, IMAGES["ESP32-S3"])


class Worn(Flash):
    """A flash of which one bit has died."""

    def write(self, at, data):
        super().write(at, data)
        self.content[at] ^= 0x10


def test_a_flash_that_reads_back_something_else_is_faulty():
    with RomTerminal(Loader("ESP32-S3", Worn(4), MAC)) as terminal:
        fault = fault_of(terminal.path, IMAGES["ESP32-S3"])
    assert fault.cause is Cause.FLASH_FAULTY
    assert "MD5" in fault.facts["detail"]


class Mad(Loader):
    """Its answers to one command make no sense."""

    def feed(self, data):
        answer = super().feed(data)
        return b"\xc0\x01\x13" if self.commands.get(0x13) else answer


def test_answers_without_sense_are_noise():
    with RomTerminal(Mad("ESP32-S3", Flash(4), MAC)) as terminal:
        assert fault_of(terminal.path, IMAGES["ESP32-S3"]).cause is Cause.NOISE


class Mute(Loader):
    """Its stub is started, and never says so."""

    def feed(self, data):
        return super().feed(data).replace(framed(b"OHAI"), b"")


def test_a_stub_that_never_speaks_does_not_hold_the_technician_up():
    """Its first word is awaited for as long as the port waits: without a limit, for ever."""
    with RomTerminal(Mute("ESP32-S3", Flash(4), MAC)) as terminal:
        assert fault_of(terminal.path, IMAGES["ESP32-S3"]).cause is Cause.NOISE


def test_nobody_answers():
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    try:
        assert fault_of(os.ttyname(theirs), IMAGES["ESP32"]).cause is Cause.NO_ANSWER
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_port_that_is_not_there_or_in_use():
    assert fault_of("/dev/ttyUSB99", IMAGES["ESP32"]).cause is Cause.PORT_ABSENT
    with RomTerminal(Loader("ESP32", Flash(4), MAC)) as terminal, serial.Serial(terminal.path, exclusive=True):
        assert fault_of(terminal.path, IMAGES["ESP32"]).cause is Cause.PORT_BUSY


@pytest.mark.parametrize(
    ("number", "text", "cause"),
    [
        (13, "[Errno 13] could not open port /dev/ttyUSB0: [Errno 13] Permission denied", Cause.PORT_DENIED),
        (16, "[Errno 16] could not open port /dev/ttyUSB0: [Errno 16] Device or resource busy", Cause.PORT_BUSY),
        (None, "could not open port 'COM7': PermissionError(13, 'Access is denied.', None, 5)", Cause.PORT_BUSY),
        (
            None,
            "could not open port 'COM7': FileNotFoundError(2, 'The system cannot find…', None, 2)",
            Cause.PORT_ABSENT,
        ),
    ],
)
def test_what_the_system_says_of_a_port_is_understood(number, text, cause):
    """As pyserial 3.5 says it, on Linux (serialposix.py) and on Windows (serialwin32.py)."""
    error = serial.SerialException(number, text) if number else serial.SerialException(text)
    assert esp.why_closed(error) is cause
