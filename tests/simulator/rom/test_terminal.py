"""A boot loader on a pseudo-terminal: its speed, its cable, its name."""

import struct

import pytest
import serial

from simulator.rom.flash import Flash
from simulator.rom.loader import Loader
from simulator.rom.slip import framed
from simulator.rom.terminal import RomTerminal

MAC = bytes.fromhex("24a160000001")
SYNC = framed(struct.pack("<BBHI", 0, 8, 36, 0) + bytes.fromhex("07071220") + b"\x55" * 32)
FASTER = framed(struct.pack("<BBHIII", 0, 0x0F, 8, 0, 460_800, 0))
READ = framed(struct.pack("<BBHII", 0, 0x0A, 4, 0, 0x4000_1000))


def asked(line, request, count=14):
    line.write(request)
    return line.read(count)


def listen_on(line, into):
    while said := line.read(1):
        into += said


def test_what_comes_at_another_speed_is_noise_and_at_the_roms_a_new_beginning():
    with RomTerminal(Loader("ESP32", Flash(4), MAC)) as terminal, serial.Serial(terminal.path, 115_200) as line:
        line.timeout = 5
        assert len(asked(line, READ)) == 14
        assert len(asked(line, FASTER)) == 14
        line.baudrate = 460_800
        assert len(asked(line, READ)) == 14
        line.baudrate, line.timeout = 230_400, 0.05
        assert asked(line, READ) == b""
        line.baudrate, line.timeout = 115_200, 5
        assert len(asked(line, READ)) == 14
        assert terminal.loader.baud == 115_200


@pytest.mark.parametrize("cut_after", [1, len(READ) - 1, len(READ), len(READ) + 5])
def test_the_cable_is_pulled_after_so_many_bytes_either_way(cut_after, tmp_path):
    link = tmp_path / "ttyUSB0"
    loader = Loader("ESP32", Flash(4), MAC)
    with (
        RomTerminal(loader, cut_after=cut_after, link=link) as terminal,
        serial.Serial(str(link), 115_200, timeout=5) as line,
    ):
        line.write(READ)
        got = bytearray()
        with pytest.raises(serial.SerialException):
            listen_on(line, got)
        assert len(got) <= max(cut_after - len(READ), 0)
        assert terminal.pulled
    assert not link.exists()


def test_the_port_keeps_its_name_when_it_is_plugged_in_again(tmp_path):
    link = tmp_path / "ttyUSB0"
    for _ in range(2):
        with RomTerminal(Loader("ESP32", Flash(4), MAC), link=link) as terminal:
            assert terminal.path == str(link)
            with serial.Serial(str(link), 115_200, timeout=5) as line:
                assert len(asked(line, SYNC, 14 * 8)) == 14 * 8
