import os
from hashlib import sha256

from firmware.store.files import Files
from tests.protocol.expect import hexa

try:
    from tempfile import mkdtemp
except ImportError:  # MicroPython

    def mkdtemp():
        os.mkdir("/files")
        return "/files"


def emptied(folder):
    """Leave nothing behind."""
    for name in os.listdir(folder):
        os.remove(folder + "/" + name)
    os.rmdir(folder)


def test_a_real_folder():
    folder = mkdtemp()
    files = Files(folder + "/log")
    assert files.names() == []
    files.append("00000000", b"one")
    files.append("00000000", b", two")
    files.append("00000010", b"\x00\xff")
    assert sorted(Files(folder + "/log").names()) == ["00000000", "00000010"]
    assert files.read("00000000") == b"one, two"
    assert files.read("00000010") == b"\x00\xff"
    files.remove("00000000")
    assert files.names() == ["00000010"]
    for wrong in (lambda: files.read("00000000"), lambda: files.remove("00000000"), lambda: Files(folder + "/a/b")):
        try:
            wrong()
        except OSError:
            continue
        raise AssertionError("expected an OSError")
    emptied(folder + "/log")
    emptied(folder)


def test_a_tree_of_files():
    folder = mkdtemp()
    slot = Files(folder + "/a")
    assert slot.walk() == []
    for name in ("/firmware", "/firmware/roles", "/empty"):
        Files(folder + "/a" + name)
    slot.append("main.py", b"abc")
    slot.append("firmware/roles/air.mpy", bytes(range(256)) * 5)
    slot.append("firmware/nothing", b"")
    assert sorted(slot.walk()) == ["firmware/nothing", "firmware/roles/air.mpy", "main.py"]
    # SHA-256 of "abc" and of nothing: FIPS 180-4's examples.
    assert slot.digest("main.py") == hexa("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    assert slot.digest("firmware/nothing") == hexa("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    assert slot.digest("firmware/roles/air.mpy") == sha256(bytes(range(256)) * 5).digest()
    for name in ("/a/firmware/roles", "/a/firmware", "/a/empty", "/a"):
        emptied(folder + name)
    emptied(folder)
