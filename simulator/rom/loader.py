"""What the boot loader answers: a core that takes bytes and gives bytes.

Two programs speak one protocol with small differences ("Serial Protocol", Espressif's documentation of esptool): the
ROM's, and the stub that esptool loads into RAM and starts. The stub is taken at its word: it must arrive whole, be
started where it lies and then speaks its dialect.
"""

import struct
import zlib
from collections.abc import Callable

from simulator.rom.flash import Flash
from simulator.rom.silicon import KINDS, Silicon
from simulator.rom.slip import Unframer, framed

FLASH_BEGIN, FLASH_DATA, FLASH_END = 0x02, 0x03, 0x04
MEM_BEGIN, MEM_END, MEM_DATA = 0x05, 0x06, 0x07
SYNC, WRITE_REG, READ_REG = 0x08, 0x09, 0x0A
SPI_SET_PARAMS, SPI_ATTACH, READ_FLASH_SLOW, CHANGE_BAUDRATE = 0x0B, 0x0D, 0x0E, 0x0F
DEFL_BEGIN, DEFL_DATA, DEFL_END = 0x10, 0x11, 0x12
MD5, SECURITY_INFO = 0x13, 0x14
ERASE_FLASH, ERASE_REGION, READ_FLASH = 0xD0, 0xD1, 0xD2  # of the stub alone

BAUD = 115_200  # what the ROM measures, in our hands always this
_REQUEST, _RESPONSE = 0, 1
_HEADER = struct.Struct("<BBHI")
_CHECKSUM = 0xEF
_SYNC = b"\x07\x07\x12\x20".ljust(36, b"\x55")
_ROM_SYNC_VALUE = 0x2012_0707
_REPEATS = 8  # of an answer to SYNC, or to a command that the ROM does not have
_SLOW_LEN = 64

# Errors: the ROM's, the stub's.
_INVALID, _FAILED, _BAD_CHECKSUM, _DEFLATE = 0x05, 0x06, 0x07, 0x0B
_STUB_LENGTH, _STUB_CHECKSUM, _STUB_INVALID, _STUB_SPI = 0xC0, 0xC1, 0xC3, 0xC4
_STUB_NO_FLASH, _STUB_INFLATE, _STUB_TOO_MUCH = 0xC6, 0xC7, 0xC9


class _RefusedError(Exception):
    """A command that is answered with an error: the ROM's number and the stub's."""

    def __init__(self, rom: int, stub: int) -> None:
        super().__init__(f"{rom:02x} {stub:02x}")
        self.rom = rom
        self.stub = stub


class Loader:
    """One chip in its boot loader. flash: its content outlives the loader, and whatever happens to it.

    chip: "ESP32" or "ESP32-S3". mac: six bytes. resets: each SYNC is taken for the reset before it. stub: whether the
    stub runs. baud: what the chip listens at. started: whether it was told to run what is in the flash. commands: how
    often each came, by its number.
    """

    def __init__(self, chip: str, flash: Flash, mac: bytes, resets: bool = True) -> None:
        self.flash = flash
        self._resets = resets
        self.silicon = Silicon(KINDS[chip], mac, flash)
        self.commands: dict[int, int] = {}
        self._commands: dict[int, Callable[[bytes, int], bytes]] = {
            FLASH_BEGIN: self._flash_begin,
            FLASH_DATA: self._flash_data,
            FLASH_END: self._flash_end,
            MEM_BEGIN: self._mem_begin,
            MEM_DATA: self._mem_data,
            MEM_END: self._mem_end,
            READ_REG: self._read_reg,
            WRITE_REG: self._write_reg,
            SPI_SET_PARAMS: self._spi_set_params,
            SPI_ATTACH: self._spi_attach,
            CHANGE_BAUDRATE: self._change_baudrate,
            DEFL_BEGIN: self._defl_begin,
            DEFL_DATA: self._defl_data,
            DEFL_END: self._flash_end,
            MD5: self._md5,
        }
        self._of_rom = {READ_FLASH_SLOW: self._read_flash_slow}
        self._of_stub = {
            ERASE_FLASH: self._erase_flash,
            ERASE_REGION: self._erase_region,
            READ_FLASH: self._read_flash,
        }
        if self.silicon.kind.chip_id is not None:
            self._commands[SECURITY_INFO] = self._security_info
        self.reset()

    def reset(self) -> None:
        """Begin anew, in the ROM: RAM and the stub in it are gone, what came in half is forgotten."""
        self._frames = Unframer()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.stub = False
        self.started = False
        self._set_baud(BAUD)
        self._value = 0
        self._attached = False
        self._ram: dict[int, bytearray] = {}
        self._ram_at = self._ram_block = 0
        self._at: int | None = None  # where in the flash the next byte goes; None: not writing
        self._end = self._begin = self._block = 0
        self._inflate: zlib._Decompress | None = None
        self._reading: list[bytes] = []  # packets to send while they are acknowledged
        self._window = self._sent = self._acknowledged = 0
        self._after: list[bytes] = []  # packets that follow the response
        self._then: Callable[[], None] | None = None  # what the chip does when it has answered

    def feed(self, data: bytes) -> bytes:
        """Take what came along the cable; returns what goes back."""
        out = bytearray()
        for packet in self._frames.feed(data):
            if self.started:
                break
            for answer in self._answers(packet):
                out += framed(answer)
        return bytes(out)

    def _answers(self, packet: bytes) -> list[bytes]:
        if self._reading and len(packet) == 4:
            return self._read_on(struct.unpack("<I", packet)[0])
        if len(packet) < _HEADER.size:
            return []
        direction, command, length, checksum = _HEADER.unpack_from(packet)
        data = packet[_HEADER.size :]
        if direction != _REQUEST or len(data) != length:
            return []
        self.commands[command] = self.commands.get(command, 0) + 1
        if command == SYNC:
            return self._synced(data)
        known = self._commands | (self._of_stub if self.stub else self._of_rom)
        if command not in known:
            return self._unknown(command)
        self._value = 0
        try:
            body, status = known[command](data, checksum), 0
        except _RefusedError as refused:
            body, status = b"", refused.stub if self.stub else refused.rom
        except struct.error:
            body, status = b"", _STUB_LENGTH if self.stub else _INVALID
        answers = [self._response(command, self._value, body, status), *self._after]
        self._after = []
        if self._then is not None:
            self._then()
            self._then = None
        return answers

    def _response(self, command: int, value: int, body: bytes, status: int) -> bytes:
        """The stub has two bytes of status, the ROM two more, and the stub's error stands in the first."""
        ending = bytes([status, 0]) if self.stub else bytes([bool(status), status, 0, 0])
        return _HEADER.pack(_RESPONSE, command, len(body) + len(ending), value) + body + ending

    def _synced(self, data: bytes) -> list[bytes]:
        if data != _SYNC:
            return []
        if self._resets:
            self._begin_anew()
        return [self._response(SYNC, 0 if self.stub else _ROM_SYNC_VALUE, b"", 0)] * _REPEATS

    def _unknown(self, command: int) -> list[bytes]:
        """The ROM says so many times over, of no command in particular."""
        if self.stub:
            return [self._response(command, 0, b"", _STUB_INVALID)]
        return [self._response(0, 0, b"", _INVALID)] * _REPEATS

    # Registers.

    def _read_reg(self, data: bytes, _: int) -> bytes:
        self._value = self.silicon.read(struct.unpack("<I", data)[0])
        return b""

    def _write_reg(self, data: bytes, _: int) -> bytes:
        for address, value, mask, _delay_us in struct.iter_unpack("<IIII", data):
            self.silicon.write(address, value, mask)
        return b""

    def _security_info(self, _data: bytes, _: int) -> bytes:
        return struct.pack("<IB7sII", 0, 0, bytes(7), self.silicon.kind.chip_id, 0)

    def _change_baudrate(self, data: bytes, _: int) -> bytes:
        baud, _old = struct.unpack("<II", data)
        if not baud:
            raise _RefusedError(_FAILED, _STUB_LENGTH)
        self._then = lambda: self._set_baud(baud)
        return b""

    def _set_baud(self, baud: int) -> None:
        self.baud = baud
        self.silicon.set_baud(baud)

    # RAM.

    def _mem_begin(self, data: bytes, _: int) -> bytes:
        size, blocks, block, at = struct.unpack("<IIII", data)
        inside = any(begin <= at and at + size <= end for begin, end in self.silicon.kind.ram)
        if not inside or blocks * block < size:
            raise _RefusedError(_FAILED, _STUB_LENGTH)
        self._ram[at] = bytearray(size)
        self._ram_at, self._ram_block = at, block
        return b""

    def _mem_data(self, data: bytes, checksum: int) -> bytes:
        number, block = self._checked(data, checksum)
        memory = self._ram.get(self._ram_at, bytearray())
        begin = number * self._ram_block
        if begin + len(block) > len(memory):
            raise _RefusedError(_FAILED, _STUB_TOO_MUCH)
        memory[begin : begin + len(block)] = block
        return b""

    def _mem_end(self, data: bytes, _: int) -> bytes:
        stays, entry = struct.unpack("<II", data)
        if not stays:
            if not any(at <= entry < at + len(memory) for at, memory in self._ram.items()):
                raise _RefusedError(_FAILED, _STUB_LENGTH)
            self._after = [b"OHAI"]
            self._then = self._start_stub
        return b""

    def _start_stub(self) -> None:
        self.stub = True

    # Flash.

    def _spi_attach(self, data: bytes, _: int) -> bytes:
        struct.unpack("<I" if self.stub else "<II", data)
        self._attached = True
        return b""

    def _spi_set_params(self, data: bytes, _: int) -> bytes:
        struct.unpack("<IIIIII", data)
        return b""

    def _start(self, data: bytes) -> int:
        """Begin to write; returns how many bytes are to come, uncompressed."""
        extended = self.stub or self.silicon.kind.chip_id is not None
        size, _blocks, block, at = struct.unpack("<IIIII" if extended else "<IIII", data)[:4]
        if not (self.stub or self._attached) or not self.flash.holds(at, size):
            raise _RefusedError(_FAILED, _STUB_SPI)
        self._begin = self._at = at
        self._end = at + size
        self._block = block
        if not self.stub:
            self.flash.erase(at, size)  # all of it, before the first byte comes
        return int(size)

    def _flash_begin(self, data: bytes, _: int) -> bytes:
        self._start(data)
        self._inflate = None
        return b""

    def _defl_begin(self, data: bytes, _: int) -> bytes:
        self._start(data)
        self._inflate = zlib.decompressobj()
        return b""

    def _flash_data(self, data: bytes, checksum: int) -> bytes:
        number, block = self._checked(data, checksum)
        if self._at is None or self._inflate is not None:
            raise _RefusedError(_FAILED, _STUB_NO_FLASH)
        at = self._begin + number * self._block
        if at >= self._end and self._end > self._begin:
            raise _RefusedError(_FAILED, _STUB_TOO_MUCH)
        self._write(at, block)
        return b""

    def _defl_data(self, data: bytes, checksum: int) -> bytes:
        _number, block = self._checked(data, checksum)
        if self._at is None or self._inflate is None:
            raise _RefusedError(_FAILED, _STUB_NO_FLASH)
        try:
            plain = self._inflate.decompress(block)
        except zlib.error:
            raise _RefusedError(_DEFLATE, _STUB_INFLATE) from None
        if self._at + len(plain) > self._end:
            raise _RefusedError(_FAILED, _STUB_TOO_MUCH)
        self._write(self._at, plain)
        return b""

    def _write(self, at: int, data: bytes) -> None:
        """The stub erases each sector as it comes to it."""
        assert self._at is not None
        end = min(at + len(data), len(self.flash.content))
        if self.stub:
            first = -(-at // 4096) * 4096 if at != self._begin else at
            if end > first:
                self.flash.erase(first, end - first)
        self.flash.write(at, data[: end - at])
        self._at = end

    def _flash_end(self, data: bytes, _: int) -> bytes:
        (stays,) = struct.unpack("<I", data)
        self._at = None
        if not self.stub:
            self.started = True
        elif not stays:
            self._then = self.reset  # the pins still say what they said: it is the boot loader that starts
        return b""

    def _md5(self, data: bytes, _: int) -> bytes:
        at, length, _a, _b = struct.unpack("<IIII", data)
        self._must_hold(at, length)
        digest = self.flash.md5(at, length)
        return digest if self.stub else digest.hex().encode()

    def _erase_flash(self, _data: bytes, _: int) -> bytes:
        self.flash.erase(0, len(self.flash.content))
        return b""

    def _erase_region(self, data: bytes, _: int) -> bytes:
        at, length = struct.unpack("<II", data)
        self._must_hold(at, length)
        self.flash.erase(at, length)
        return b""

    def _read_flash_slow(self, data: bytes, _: int) -> bytes:
        at, length = struct.unpack("<II", data)
        self._must_hold(at, length)
        return bytes(self.flash.content[at : at + min(length, _SLOW_LEN)]).ljust(_SLOW_LEN, b"\0")

    def _read_flash(self, data: bytes, _: int) -> bytes:
        at, length, block, window = struct.unpack("<IIII", data)
        self._must_hold(at, length)
        content = bytes(self.flash.content[at : at + length])
        self._reading = [content[begin : begin + block] for begin in range(0, length, block or 1)]
        self._reading.append(self.flash.md5(at, length))
        self._window, self._sent, self._acknowledged = max(window, 1), 0, 0
        self._after = self._read_on(0)
        return b""

    def _read_on(self, acknowledged: int) -> list[bytes]:
        """Send what the window has room for; the digest, when all before it has arrived."""
        packets = self._reading
        length = len(packets[0]) or 1
        arrived = -(-acknowledged // length)
        last = len(packets) - 1
        until = len(packets) if arrived >= last else min(arrived + self._window, last)
        batch = packets[self._sent : until]
        self._sent = max(until, self._sent)
        if self._sent == len(packets):
            self._reading = []
        return batch

    def _must_hold(self, at: int, length: int) -> None:
        if not self.flash.holds(at, length):
            raise _RefusedError(_FAILED, _STUB_SPI)

    def _checked(self, data: bytes, checksum: int) -> tuple[int, bytes]:
        """The number of a block, and the block."""
        length, number = struct.unpack_from("<II", data)
        block = data[16:]
        if length != len(block):
            raise _RefusedError(_INVALID, _STUB_LENGTH)
        if _xor(block) ^ _CHECKSUM != checksum & 0xFF:
            raise _RefusedError(_BAD_CHECKSUM, _STUB_CHECKSUM)
        return number, block


def _xor(block: bytes) -> int:
    """All bytes by exclusive or: a long number, folded until it is one byte."""
    length = 1
    while length < len(block):
        length *= 2
    folded = int.from_bytes(block, "little")
    while length > 1:
        length //= 2
        folded = folded >> 8 * length ^ folded & (1 << 8 * length) - 1
    return folded
