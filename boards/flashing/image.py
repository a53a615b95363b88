"""MicroPython's image for a board: found, fetched, and believed only when every digest in it is right.

An image is what `esptool` writes from the boot loader's place on: boot loader, table of partitions, program. Each part
says how long it is and carries a checksum and a digest (ESP-IDF Programming Guide, "App Image Format", "Partition
Tables"), so that a file that was cut, mixed up or altered by a bad disk is found out before a board's flash is erased.
"""

import contextlib
import hashlib
import os
import re
import struct
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from boards.catalogue.pins import ESP32, ESP32_S3, Chip
from boards.causes import BoardError, Cause

Progress = Callable[[int, int], None]  # so far, of how many; bytes

SOURCE = "https://micropython.org/resources/firmware/"
RELEASE = "20251209-v1.27.0"  # the one that the tests run
OLDEST = (1, 27, 0)
MAX_LEN = 16 << 20

_CHUNK = 1 << 16
_TIMEOUT_S = 30
_HEADER = struct.Struct("<BBBBIB3xHBHH4xB")  # ends with whether a digest is appended
_SEGMENT = struct.Struct("<II")
_MAGIC = 0xE9
_CHECKSUM = 0xEF
_MAX_SEGMENTS = 16
_SHA256_LEN = 32
_TABLE_AT = 0x8000
_TABLE_LEN = 0xC00
_PARTITION = struct.Struct("<HBBII16sI")
_PARTITION_MAGIC = 0x50AA
_TABLE_MD5 = b"\xeb\xeb" + b"\xff" * 14
_APP, _FACTORY, _OTA_0 = 0, 0, 0x10
_DESCRIPTION = struct.Struct("<II8x32s32s")
_DESCRIPTION_MAGIC = 0xABCD5432
_PROJECT = b"micropython"
_VERSION = re.compile(rb"v(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?")
_CHIPS = {chip.image_id: chip for chip in (ESP32, ESP32_S3)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that has been checked. version: MicroPython's, such as (1, 27, 0).

    flash_mb: the least flash its partitions need. sha256: of the whole file.
    """

    path: Path
    chip: Chip
    version: tuple[int, int, int]
    flash_mb: int
    sha256: str
    data: bytes = field(repr=False)


class _WrongError(Exception):
    """What is wrong with an image, as the end of a sentence."""


def read_image(path: Path) -> Image:
    """Read and check an image. Raises BoardError: IMAGE_ABSENT, IMAGE_UNREADABLE, IMAGE_OLD."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LEN + 1)
    except FileNotFoundError:
        raise BoardError(Cause.IMAGE_ABSENT, path=path) from None
    except OSError as error:
        raise BoardError(Cause.IMAGE_UNREADABLE, path=path, detail=error.strerror) from None
    return parse_image(data, path)


def parse_image(data: bytes, path: Path) -> Image:
    """Check the bytes of an image called *path*. Raises BoardError: IMAGE_UNREADABLE, IMAGE_OLD."""
    try:
        image = _parse(data, path)
    except _WrongError as wrong:
        raise BoardError(Cause.IMAGE_UNREADABLE, path=path, detail=wrong) from None
    if image.version < OLDEST:
        found, expected = (".".join(map(str, version)) for version in (image.version, OLDEST))
        raise BoardError(Cause.IMAGE_OLD, path=path, found=found, expected=expected)
    return image


def check_fits(image: Image, chip: Chip, flash_mb: int) -> None:
    """Whether a chip takes this image. Raises BoardError: IMAGE_OTHER_CHIP, IMAGE_LARGE."""
    if image.chip is not chip:
        raise BoardError(Cause.IMAGE_OTHER_CHIP, path=image.path, found=image.chip.name, expected=chip.name)
    if image.flash_mb > flash_mb:
        raise BoardError(Cause.IMAGE_LARGE, path=image.path, need_mb=image.flash_mb, flash_mb=flash_mb)


def cached(build: str, folder: Path) -> Path | None:
    """The newest image of one of MicroPython's builds that is in the cache, or None."""
    found = [
        (tuple(map(int, match[1].split("."))), match[0], path)
        for path in folder.glob(f"{build}-*.bin")
        if (match := re.fullmatch(re.escape(build) + r"-\d{8}-v(\d+\.\d+\.\d+)\.bin", path.name))
    ]
    return max(found)[2] if found else None


def fetch(build: str, folder: Path, progress: Progress, source: str = SOURCE) -> Path:
    """Download the image of a build into the cache, whole and checked or not at all; returns its path.

    Raises BoardError: DOWNLOAD.
    """
    name = f"{build}-{RELEASE}.bin"
    url = source + name
    try:
        data = _download(url, progress)
        _parse(data, Path(name))
    except (OSError, HTTPException, ValueError, _WrongError) as error:
        detail = getattr(error, "reason", None) or error
        if isinstance(error, HTTPError):
            error.close()
        raise BoardError(Cause.DOWNLOAD, url=url, detail=detail) from None
    folder.mkdir(parents=True, exist_ok=True)
    number, part = tempfile.mkstemp(dir=folder, suffix=".part")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return Path(part).replace(folder / name)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(part).unlink()
        raise


def _download(url: str, progress: Progress) -> bytes:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
        length = int(answer.headers.get("Content-Length") or 0)
        data = bytearray()
        while chunk := answer.read(_CHUNK):
            data += chunk
            if len(data) > MAX_LEN:
                raise ValueError(f"more than {MAX_LEN >> 20} MB came; this is no image")
            progress(len(data), max(length, len(data)))
    if len(data) < length:
        raise ValueError(f"{len(data)} of {length} bytes came; the connection broke")
    return bytes(data)


def _parse(data: bytes, path: Path) -> Image:
    if len(data) > MAX_LEN:
        raise _WrongError(f"it has more than {MAX_LEN >> 20} MB")
    chip = _check_program(data, 0, "boot loader")[0]
    table_at = _TABLE_AT - chip.image_at
    partitions = _partitions(data[table_at : table_at + _TABLE_LEN])
    programs = sorted(entry for entry in partitions if entry[0] == _APP and entry[1] in (_FACTORY, _OTA_0))
    if not programs:
        raise _WrongError("its table of partitions has none for a program")
    begin = programs[0][2] - chip.image_at
    program_chip, first = _check_program(data, begin, "program")
    if program_chip is not chip:
        raise _WrongError(f"its boot loader is for {chip.name}, its program for {program_chip.name}")
    end = max([at + size for _, _, at, size in partitions] + [chip.image_at + len(data)])
    return Image(
        path=path,
        chip=chip,
        version=_version(data[first : first + _DESCRIPTION.size]),
        flash_mb=-(-end // (1 << 20)),
        sha256=hashlib.sha256(data).hexdigest(),
        data=data,
    )


def _check_program(data: bytes, begin: int, what: str) -> tuple[Chip, int]:
    """Check a boot loader or program; returns its chip, and where its first segment's content begins."""
    if begin < 0 or begin + _HEADER.size > len(data):
        raise _WrongError(f"it ends before its {what}: it was cut")
    magic, count, _mode, _flash, _entry, _wp, chip_id, _rev, _least, _most, hashed = _HEADER.unpack_from(data, begin)
    if magic != _MAGIC or not 0 < count <= _MAX_SEGMENTS:
        raise _WrongError(f"its {what} begins with {data[begin : begin + 2].hex()}, not with e9: this is no image")
    if chip_id not in _CHIPS:
        raise _WrongError(f"its {what} is for chip {chip_id}; known are {', '.join(map(_named, _CHIPS.values()))}")
    at = begin + _HEADER.size
    checksum = _CHECKSUM
    for number in range(count):
        if at + _SEGMENT.size > len(data):
            raise _WrongError(f"its {what} ends in segment {number}: it was cut")
        _address, length = _SEGMENT.unpack_from(data, at)
        at += _SEGMENT.size
        if at + length > len(data):
            raise _WrongError(f"its {what} ends in segment {number}: it was cut")
        checksum ^= _xor(data[at : at + length])
        at += length
    at += 15 - (at - begin) % 16  # the checksum is the last byte of a group of 16
    if at + 1 + _SHA256_LEN * hashed > len(data):
        raise _WrongError(f"its {what} ends before its checksum: it was cut")
    if data[at] != checksum:
        raise _WrongError(f"its {what} has checksum {data[at]:02x}, computed {checksum:02x}: it was altered")
    at += 1
    if hashed != 1:
        raise _WrongError(f"its {what} carries no SHA-256; take an image from micropython.org")
    if hashlib.sha256(data[begin:at]).digest() != data[at : at + _SHA256_LEN]:
        raise _WrongError(f"its {what}'s SHA-256 is not the one it carries: it was altered")
    return _CHIPS[chip_id], begin + _HEADER.size + _SEGMENT.size


def _partitions(table: bytes) -> list[tuple[int, int, int, int]]:
    """Type, subtype, place and size of each partition."""
    found: list[tuple[int, int, int, int]] = []
    for begin in range(0, len(table) - _PARTITION.size + 1, _PARTITION.size):
        if table[begin : begin + 16] == _TABLE_MD5:
            digest = hashlib.md5(table[:begin], usedforsecurity=False).digest()
            if digest != table[begin + 16 : begin + 32]:
                raise _WrongError("its table of partitions has a wrong MD5: it was altered")
            return found
        magic, kind, sub, at, size, _label, _flags = _PARTITION.unpack_from(table, begin)
        if magic != _PARTITION_MAGIC:
            break
        found.append((kind, sub, at, size))
    raise _WrongError("it has no table of partitions that ends with an MD5: this is no image of MicroPython")


def _version(description: bytes) -> tuple[int, int, int]:
    magic, _secure, version, project = _DESCRIPTION.unpack(description)
    if magic != _DESCRIPTION_MAGIC or project.rstrip(b"\0") != _PROJECT:
        raise _WrongError("its program is not MicroPython")
    match = _VERSION.match(version)
    if match is None:
        raise _WrongError(f"its program says version {version.rstrip(bytes(1))!r}, not v and a number")
    return int(match[1]), int(match[2]), int(match[3] or 0)


def _xor(block: bytes) -> int:
    """All bytes by exclusive or."""
    padded = int.from_bytes(block, "little")
    length = 1 << max(len(block) - 1, 0).bit_length()
    while length > 1:
        length //= 2
        padded = padded >> 8 * length ^ padded & (1 << 8 * length) - 1
    return padded


def _named(chip: Chip) -> str:
    return f"{chip.image_id} ({chip.name})"
