"""The boot loader in simulation answers esptool's serial protocol, and refuses what a chip refuses."""

import hashlib
import struct
import zlib

import pytest

from simulator.rom.flash import Flash
from simulator.rom.loader import Loader
from simulator.rom.slip import Unframer, framed

MAC = bytes.fromhex("24a160000001")
SYNC = bytes.fromhex("07071220") + b"\x55" * 32


class Host:
    """Speaks to a loader as "Serial Protocol" of esptool's documentation says."""

    def __init__(self, chip="ESP32", stub=False):
        self.flash = Flash(4)
        self.loader = Loader(chip, self.flash, MAC, resets=False)
        if stub:
            self.start_stub()

    def ask(self, command, data=b"", checksum=0):
        """All packets that come back."""
        sent = struct.pack("<BBHI", 0, command, len(data), checksum) + data
        return Unframer().feed(self.loader.feed(framed(sent)))

    def status(self, command, data=b"", checksum=0):
        """The status of the one answer, two bytes, and what stands before it."""
        answer = self.ask(command, data, checksum)[0]
        direction, echoed, length, _ = struct.unpack_from("<BBHI", answer)
        assert (direction, echoed, length) == (1, command, len(answer) - 8)
        ending = 2 if self.loader.stub else 4
        return answer[-ending:][:2].hex(), answer[8:-ending]

    def block(self, command, number, data):
        checksum = 0xEF
        for byte in data:
            checksum ^= byte
        return self.status(command, struct.pack("<IIII", len(data), number, 0, 0) + data, checksum)[0]

    def start_stub(self):
        at = 0x4009_0000
        assert self.status(0x05, struct.pack("<IIII", 8, 1, 8, at))[0] == "0000"
        assert self.block(0x07, 0, b"program!") == "0000"
        answers = self.ask(0x06, struct.pack("<II", 0, at + 4))
        assert answers[1:] == [b"OHAI"]
        assert self.loader.stub


def test_sync_is_answered_eight_times_and_the_value_tells_the_stub():
    host = Host()
    answers = host.ask(0x08, SYNC)
    assert len(answers) == 8
    assert struct.unpack_from("<BBHI", answers[0])[3] != 0
    host = Host(stub=True)
    assert struct.unpack_from("<BBHI", host.ask(0x08, SYNC)[0])[3] == 0


def test_where_there_are_no_reset_lines_sync_counts_as_a_reset():
    host = Host(stub=True)
    again = Loader("ESP32", host.flash, MAC)
    host.loader = again
    host.start_stub()
    assert struct.unpack_from("<BBHI", host.ask(0x08, SYNC)[0])[3] != 0
    assert not again.stub


def test_the_rom_says_of_a_command_it_does_not_have_that_it_is_invalid_and_names_another():
    for answer in Host("ESP32").ask(0x14):
        assert answer[1] != 0x14
        assert answer[8:] == bytes.fromhex("01050000")


def test_security_information_tells_an_s3():
    status, body = Host("ESP32-S3").status(0x14)
    assert status == "0000"
    assert struct.unpack("<IB7sII", body)[3] == 9


@pytest.mark.parametrize(("chip", "register", "value"), [("ESP32", 0x4000_1000, 0x00F0_1D83)])
def test_a_register_is_read(chip, register, value):
    answer = Host(chip).ask(0x0A, struct.pack("<I", register))[0]
    assert struct.unpack_from("<I", answer, 4)[0] == value


@pytest.mark.parametrize("stub", [False, True])
@pytest.mark.parametrize("chip", ["ESP32", "ESP32-S3"])
def test_what_is_written_compressed_is_on_the_flash(chip, stub):
    host = Host(chip)
    if stub and chip == "ESP32":
        host.start_stub()
    host.flash.content[0x1000:0x3000] = bytes(0x2000)  # not erased
    assert host.status(0x0D, bytes(4 if host.loader.stub else 8))[0] == "0000"
    data = bytes(range(256)) * 20
    packed = zlib.compress(data)
    extended = b"\0\0\0\0" if host.loader.stub or chip == "ESP32-S3" else b""
    assert host.status(0x10, struct.pack("<IIII", len(data), 1, 0x400, 0x1000) + extended)[0] == "0000"
    assert host.block(0x11, 0, packed) == "0000"
    assert bytes(host.flash.content[0x1000 : 0x1000 + len(data)]) == data
    digest = hashlib.md5(data).digest()
    found = host.status(0x13, struct.pack("<IIII", 0x1000, len(data), 0, 0))
    assert found == ("0000", digest if host.loader.stub else digest.hex().encode())


def test_a_wrong_checksum_is_refused_and_nothing_is_written():
    host = Host()
    host.status(0x0D, bytes(8))
    host.status(0x02, struct.pack("<IIII", 1024, 1, 1024, 0))
    data = struct.pack("<IIII", 4, 0, 0, 0) + b"abcd"
    assert host.status(0x03, data, 0x12)[0] == "0107"
    assert set(host.flash.content) == {0xFF}


def test_the_rom_writes_nothing_before_the_flash_is_attached():
    assert Host().status(0x02, struct.pack("<IIII", 1024, 1, 1024, 0))[0] == "0106"


def test_blocks_go_where_their_number_says_and_no_further():
    host = Host()
    host.status(0x0D, bytes(8))
    host.status(0x02, struct.pack("<IIII", 2048, 2, 1024, 0x2000))
    assert host.block(0x03, 1, b"b" * 1024) == "0000"
    assert host.block(0x03, 0, b"a" * 1024) == "0000"
    assert host.block(0x03, 0, b"a" * 1024) == "0000"  # a repetition harms nothing
    assert host.block(0x03, 2, b"c" * 1024) == "0106"
    assert bytes(host.flash.content[0x2000:0x2800]) == b"a" * 1024 + b"b" * 1024
    assert host.flash.content[0x2800] == 0xFF


@pytest.mark.parametrize(
    ("command", "data"),
    [
        (0x02, struct.pack("<IIII", 4096, 1, 4096, 4 << 20)),  # behind the end of the flash
        (0x13, struct.pack("<IIII", 4 << 20, 1, 0, 0)),
        (0x05, struct.pack("<IIII", 16, 1, 16, 0x1000)),  # no RAM there
        (0x05, struct.pack("<IIII", 16, 1, 8, 0x4009_0000)),  # fewer blocks than bytes
        (0x06, struct.pack("<II", 0, 0x4009_0000)),  # nothing was loaded there
        (0x0F, struct.pack("<II", 0, 0)),
    ],
)
def test_what_cannot_be_done_is_refused(command, data):
    host = Host()
    host.status(0x0D, bytes(8))
    assert host.status(command, data)[0] == "0106"


def test_a_request_of_a_wrong_length_is_invalid():
    host = Host()
    assert host.status(0x0A, b"\0\0")[0] == "0105"
    assert host.status(0x13, b"")[0] == "0105"


def test_compressed_data_that_is_none_or_too_much_is_refused_by_the_stub():
    host = Host(stub=True)
    host.status(0x10, struct.pack("<IIIII", 10, 1, 0x4000, 0, 0))
    assert host.block(0x11, 0, b"not zlib") == "c700"
    host.status(0x10, struct.pack("<IIIII", 10, 1, 0x4000, 0, 0))
    assert host.block(0x11, 0, zlib.compress(bytes(11))) == "c900"
    assert host.block(0x03, 0, b"plain") == "c600"
    assert host.status(0xEE)[0] == "c300"


def test_the_stub_erases_and_reads_back_in_packets_that_wait_for_acknowledgement():
    host = Host(stub=True)
    host.flash.content[0:8192] = bytes(range(256)) * 32
    assert host.status(0xD1, struct.pack("<II", 4096, 4096))[0] == "0000"
    answers = host.ask(0xD2, struct.pack("<IIII", 0, 8192, 1024, 2))
    got = answers[1:]
    assert [len(packet) for packet in got] == [1024, 1024]
    while sum(map(len, got)) < 8192:
        more = Unframer().feed(host.loader.feed(framed(struct.pack("<I", sum(map(len, got))))))
        assert len(more) == 2
        got += more
    read = bytes(range(256)) * 16 + b"\xff" * 4096
    assert b"".join(got) == read
    last = Unframer().feed(host.loader.feed(framed(struct.pack("<I", 8192))))
    assert last == [hashlib.md5(read).digest()]
    assert host.status(0xD0)[0] == "0000"
    assert set(host.flash.content) == {0xFF}


def test_a_change_of_speed_is_answered_at_the_old_one():
    host = Host()
    before = host.loader.baud
    assert host.status(0x0F, struct.pack("<II", 460_800, 0))[0] == "0000"
    assert (before, host.loader.baud) == (115_200, 460_800)


def test_the_end_starts_what_is_on_the_flash_and_from_the_stub_the_rom():
    host = Host()
    assert host.status(0x04, struct.pack("<I", 0))[0] == "0000"
    assert host.loader.started
    assert host.ask(0x08, SYNC) == []
    host = Host(stub=True)
    host.status(0x12, struct.pack("<I", 1))
    assert host.loader.stub
    assert host.ask(0x12, struct.pack("<I", 0))
    assert not host.loader.stub
    assert not host.loader.started


def test_noise_harms_nothing():
    host = Host()
    for noise in (
        b"\x00" * 9000,
        b"\xc0\xdb\x00\xc0",
        b"\xc0\x01\x02\xc0",
        b"\r\x03\x03",
        framed(b"\0\x08\x05\0aaaabb"),
    ):
        assert host.loader.feed(noise) == b""
    assert host.loader.feed(b"\xc0" + b"\x55" * 50_000) == b""
    assert len(host.ask(0x08, SYNC)) == 8
