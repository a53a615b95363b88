"""The socket of the local API: who may open it, what a client can do to it, and that it stays small and alive."""

import contextlib
import errno
import grp
import logging
import os
import socket
import stat
from pathlib import Path

import pytest

from gateway.api import http
from gateway.api.client import Client
from gateway.api.http import MAX_BODY, MAX_CONNECTIONS, MAX_HEAD
from tests.gateway.api.stations import TIMEOUT_S, Running, config_in


@pytest.fixture(name="running")
def _running(tmp_path):
    with Running(config_in(tmp_path)) as running:
        yield running


def connect(running: Running) -> socket.socket:
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.settimeout(TIMEOUT_S)
    stream.connect(str(running.config.api.socket))
    return stream


def told(stream: socket.socket) -> bytes:
    """All that comes until the gateway closes."""
    found = b""
    while True:
        try:
            chunk = stream.recv(65536)
        except ConnectionResetError:
            return found
        if not chunk:
            return found
        found += chunk


def until(stream: socket.socket, end: bytes) -> bytes:
    found = b""
    while not found.endswith(end):
        chunk = stream.recv(65536)
        assert chunk, found
        found += chunk
    return found


def send(running: Running, raw: bytes) -> bytes:
    with connect(running) as stream:
        try:
            stream.sendall(raw)
            stream.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has heard enough; what it said is still there
        return told(stream)


def is_alive(running: Running) -> bool:
    client = Client(running.config.api.socket)
    try:
        return client.ask("GET", "/v1/devices").status == 200
    finally:
        client.close()


def test_only_user_and_group_may_open_it_and_it_goes_with_the_gateway(tmp_path):
    config = config_in(tmp_path)
    with Running(config):
        assert stat.S_IMODE(config.api.socket.stat().st_mode) == 0o660
    assert not config.api.socket.exists()
    group = grp.getgrgid(os.getegid()).gr_name
    config = config_in(tmp_path, f'mode = "0600"\ngroup = "{group}"\n')
    with Running(config):
        assert stat.S_IMODE(config.api.socket.stat().st_mode) == 0o600
        assert config.api.socket.stat().st_gid == os.getegid()


def test_one_connection_asks_many_times(running):
    client = Client(running.config.api.socket)
    for _ in range(3):
        assert client.ask("GET", "/v1/devices").body == {"devices": [], "next": None}
    assert client.ask("GET", "/v1/metrics").body == b"lampyre_records_total 5\n"
    client.close()


def test_requests_that_are_sent_together_are_answered_in_order(running):
    both = b"GET /v1/devices HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/places HTTP/1.1\r\nHost: x\r\n\r\n"
    answered = send(running, both)
    assert answered.index(b'"devices"') < answered.index(b'"places"')


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"hello\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 100, b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),  # no Host
        (b"GET /v1/devices HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
        (b"GET /v1/devices HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (2 * MAX_HEAD) + b"\r\n\r\n", b"431"),
        (b"GET /v1/devices?" + b"&".join(b"a=1" for _ in range(30)) + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"POST /v1/devices HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n" + b"a" * 2 * MAX_BODY, b"413"),
        (b"GET /../../etc/shadow HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"BREW /v1/devices HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
        (b"POST /v1/devices HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{]", b"400"),
        (b"POST /v1/devices HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"[" * 100000, b"400"),
    ],
)  # fmt: skip
def test_what_is_no_request_of_ours_is_refused_and_the_gateway_lives(running, raw, status):
    assert send(running, raw).startswith(b"HTTP/1.1 " + status)
    assert is_alive(running)


def test_a_body_may_be_announced_first(running):
    with connect(running) as stream:
        stream.sendall(b"POST /v1/devices HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert stream.recv(1000).startswith(b"HTTP/1.1 100")
        stream.sendall(b"{}")
        stream.shutdown(socket.SHUT_WR)
        assert b'write {\\"devices\\": [row' in told(stream)


def test_whoever_asks_nothing_is_let_go(running, monkeypatch):
    monkeypatch.setattr(http, "IDLE_S", 0.1)
    with connect(running) as idle:
        assert told(idle) == b""
    assert is_alive(running)


def test_whoever_asks_too_slowly_is_let_go_however_patient_we_are_with_others(running, monkeypatch):
    monkeypatch.setattr(http, "IDLE_S", 3600)
    monkeypatch.setattr(http, "REQUEST_S", 0.1)
    with connect(running) as slow:
        slow.sendall(b"GET /v1/dev")
        assert told(slow) == b""
    assert is_alive(running)


def test_there_are_only_so_many_connections_and_a_place_is_free_again(running):
    streams = [connect(running) for _ in range(MAX_CONNECTIONS)]
    for stream in streams:  # answered, so that each is known to be there
        stream.sendall(b"GET /v1/places HTTP/1.1\r\nHost: x\r\n\r\n")
        assert until(stream, b"null}\n").startswith(b"HTTP/1.1 200")
    with connect(running) as late:
        assert told(late).startswith(b"HTTP/1.1 503")
    for stream in streams:
        stream.shutdown(socket.SHUT_WR)
        assert told(stream) == b""  # it has closed, and freed the place
        stream.close()
    assert is_alive(running)


def test_the_gateway_ends_though_a_client_reads_nothing(tmp_path):
    """As a command that was stopped with Ctrl-Z in the middle of a long answer: the kernel keeps 200 kB of it."""
    with Running(config_in(tmp_path)) as running:
        stream = connect(running)
        stream.sendall(b"GET /v1/uplinks HTTP/1.1\r\nHost: x\r\n\r\n" * 3000)
        assert stream.recv(1)
    assert not running.config.api.socket.exists()
    stream.close()


def test_a_mistake_of_ours_is_logged_and_shows_nothing(running, caplog):
    with caplog.at_level(logging.ERROR):
        answered = send(running, b"GET /v1/counters HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 500")
    assert b"hunter2" not in answered
    assert "GET /v1/counters failed" in caplog.text
    assert is_alive(running)


def test_a_client_that_leaves_during_a_long_poll_disturbs_nobody(running):
    with connect(running) as stream:
        stream.sendall(b"GET /v1/uplinks?after=2&wait_s=30 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert is_alive(running)
    running.hear()
    assert is_alive(running)


def test_a_socket_left_behind_is_replaced_and_one_in_use_is_not(tmp_path):
    config = config_in(tmp_path)
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(config.api.socket))
    left.close()
    with Running(config) as running:
        assert is_alive(running)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(config.api.socket))
        other.listen()
        with pytest.raises(OSError, match="another gateway answers on"), Running(config):
            pass
        assert config.api.socket.is_socket()


def test_a_gateway_that_hangs_with_its_queue_full_is_one_too(tmp_path):
    config = config_in(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other, contextlib.ExitStack() as waiting:
        other.bind(str(config.api.socket))
        other.listen(0)
        full = False
        while not full:
            client = waiting.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            client.setblocking(False)
            full = client.connect_ex(str(config.api.socket)) == errno.EAGAIN
        with pytest.raises(OSError, match="another gateway answers on"), Running(config):
            pass


@pytest.mark.parametrize(
    ("path", "more", "says"),
    [
        ("gateway.toml", "", "exists and is no socket; choose another"),
        ("nowhere/api.sock", "", "No such file or directory; does its folder exist"),
        ("x" * 120, "", "longer than a Unix socket's name may be"),
        ("api.sock", 'group = "nobody-is-called-so"', "there is no group nobody-is-called-so; create it"),
    ],
)
def test_a_path_or_group_that_cannot_be_says_why(tmp_path, path, more, says):
    config = config_in(tmp_path, more)
    object.__setattr__(config.api, "socket", Path(tmp_path / path))
    with pytest.raises(OSError, match=says), Running(config):
        pass
