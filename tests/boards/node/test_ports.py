"""Which port is meant, and why one cannot be opened."""

import errno
import os
import tty

import pytest
import serial

from boards.causes import BoardError, Cause
from boards.node import ports
from boards.node.ports import Port

CP2102 = {"vid": 0x10C4, "pid": 0xEA60, "serial_number": "0001"}
HUB = [
    Port(path="/dev/ttyUSB0", location="1-2.1", **CP2102),
    Port(path="/dev/ttyUSB1", location="1-2.2", **CP2102),
    Port(path="/dev/ttyACM0", location="1-3", vid=0x303A, pid=0x1001, serial_number="24:0A:C4:01:02:03"),
]


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("/dev/ttyUSB1", "/dev/ttyUSB1"),
        ("1-2.2", "/dev/ttyUSB1"),
        ("24:0a:c4:01:02:03", "/dev/ttyACM0"),
        ("socket://localhost:4000", "socket://localhost:4000"),
    ],
)
def test_a_port_is_named_by_path_place_or_serial_number(asked, path):
    assert ports.choose(HUB, asked).path == path


def test_the_only_one_needs_no_name():
    assert ports.choose(HUB[2:], "") is HUB[2]


@pytest.mark.parametrize(
    ("found", "asked", "cause", "says"),
    [
        ([], "", Cause.NO_PORTS, ""),
        (HUB, "", Cause.SEVERAL_PORTS, "/dev/ttyUSB1 (1-2.2)"),
        (HUB, "0001", Cause.SAME_SERIAL, "/dev/ttyUSB0 (1-2.1), /dev/ttyUSB1 (1-2.2)"),
    ],
)
def test_what_leaves_a_doubt_is_asked_for(found, asked, cause, says):
    with pytest.raises(BoardError) as caught:
        ports.choose(found, asked)
    assert caught.value.cause is cause
    assert says in str(caught.value)


def test_serial_numbers_that_say_nothing_are_known():
    assert ports.shared_serial_numbers(HUB) == {"0001"}


def test_a_port_that_is_not_there():
    with pytest.raises(BoardError) as caught:
        ports.open_serial("/dev/ttyUSB99")
    assert caught.value.cause is Cause.PORT_ABSENT


def test_a_port_that_another_program_has():
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    path = os.ttyname(theirs)
    try:
        with ports.open_serial(path), pytest.raises(BoardError) as caught:
            ports.open_serial(path)
        assert caught.value.cause is Cause.PORT_BUSY
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("number", "text", "cause"),
    [
        (errno.EACCES, "[Errno 13] could not open port /dev/ttyUSB0: Permission denied", Cause.PORT_DENIED),
        (errno.EBUSY, "[Errno 16] could not open port /dev/ttyUSB0: Device or resource busy", Cause.PORT_BUSY),
        (None, "could not open port 'COM3': PermissionError(13, 'Access is denied.', None, 5)", Cause.PORT_BUSY),
        (None, "could not open port 'COM9': FileNotFoundError(2, 'The system cannot find…')", Cause.PORT_ABSENT),
        (errno.ENOENT, "[Errno 2] could not open port /dev/ttyUSB0: No such file", Cause.PORT_ABSENT),
    ],
)
def test_what_the_systems_say(number, text, cause):
    """As pyserial 3.5 raises it on Linux and on Windows."""
    error = serial.SerialException(text) if number is None else serial.SerialException(number, text)
    assert ports.closed("/dev/ttyUSB0", error).cause is cause


def process(proc, number, name, *files):
    folder = proc / str(number)
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(name + "\n")
    for place, file in enumerate(files):
        (folder / "fd" / str(place)).symlink_to(file)


def test_modem_manager_is_named(tmp_path):
    process(tmp_path, 1, "ModemManager")  # its files are root's to see
    assert ports.holders("/dev/ttyUSB0", tmp_path) == {"ModemManager"}
    process(tmp_path, 2, "picocom", "/dev/null", "/dev/ttyUSB0")
    assert ports.holders("/dev/ttyUSB0", tmp_path) == {"picocom"}
    assert ports.holders("/dev/ttyUSB1", tmp_path) == {"ModemManager"}
