"""sd_notify(3): what a service manager hears, by path and abstract name, and that nothing disturbs us."""

import os
import socket

import pytest

from gateway.operate.notify import Notifier


@pytest.fixture(name="manager", params=["path", "abstract"])
def _manager(request, tmp_path):
    """A service manager: a socket, and the environment it starts us with."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@lampyre-test-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0") if name.startswith("@") else name)
        listening.settimeout(10)
        yield listening, {"NOTIFY_SOCKET": name}


def test_the_manager_hears_the_four_things(manager):
    listening, environment = manager
    notifier = Notifier(environment)
    notifier.ready("listening on\n127.0.0.1")
    assert listening.recv(4096) == b"READY=1\nSTATUS=listening on 127.0.0.1"
    notifier.alive()
    assert listening.recv(4096) == b"WATCHDOG=1"
    notifier.status("5 uplinks")
    assert listening.recv(4096) == b"STATUS=5 uplinks"
    notifier.stopping()
    assert listening.recv(4096) == b"STOPPING=1"


def test_a_manager_that_does_not_read_does_not_stop_us(manager):
    listening, environment = manager
    notifier = Notifier(environment)
    for _ in range(10_000):
        notifier.alive()
    listening.close()
    notifier.alive()


@pytest.mark.parametrize(
    ("environment", "interval_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_at_half_its_time_and_only_by_whom_it_is_for(environment, interval_s):
    assert Notifier(environment).watchdog_interval_s == interval_s


@pytest.mark.parametrize("name", ["", "vsock:2:1234", "relative"])
def test_without_a_manager_nothing_happens(name):
    Notifier({"NOTIFY_SOCKET": name}).ready("alone")
