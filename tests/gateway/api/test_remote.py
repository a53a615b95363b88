"""The remote door, knocked at with the standard library's own TLS client: who is let in, to do what, until when."""

import asyncio
import hashlib
import http.client
import json
import logging
import socket
import ssl
import stat
import tracemalloc
from datetime import UTC, datetime

import pytest
from cryptography import x509

from gateway.api import http as served
from gateway.api import remote_pass
from gateway.api.remote import MAX_ADDRESSES, TRIES, RemoteDoor, _Tries
from gateway.api.remote_pass import PassError, boot_s, issue, read_pass, withdraw
from gateway.api.routes import Answer
from tests.gateway.gateways import running, until

HOST = "127.0.0.1"
ROW = {"dev_eui": "70b3d57ed0050001", "app_key": "9f8e7d6c5b4a39281706f5e4d3c2b1a0"}
FILES = [remote_pass.PASS_NAME, remote_pass.CERTIFICATE_NAME]


class Town:
    """A door on a folder, with what it told and what came through it. `later_s` moves its clock on."""

    def __init__(self, folder):
        self.folder = folder
        self.later_s = 0.0
        self.told = []
        self.asked = []
        self.door = RemoteDoor(folder, self._answer, lambda *alarm: self.told.append(alarm), self.now_s)

    def now_s(self):
        return boot_s() + self.later_s

    async def _answer(self, request):
        self.asked.append(request)
        return Answer(200, {"path": request.path, "length": len(request.body)})

    def issue(self, hours=1.0, address=(HOST, 0)):
        return issue(self.folder, hours, address, ["localhost", HOST], self.now_s())

    async def knock(self, token=None, method="GET", path="/v1/devices", body=None, address=None):
        """(status, what was said)."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return await asyncio.to_thread(ask, address or self.door.address, headers, method, path, body)


def ask(address, headers, method="GET", path="/v1/devices", body=None, context=None):
    connection = http.client.HTTPSConnection(*address, timeout=30, context=context or trusting())
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def trusting():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def play(folder, scene):
    """Run *scene*(town), and shut the door."""

    async def played():
        town = Town(folder)
        try:
            await scene(town)
        finally:
            await town.door.close()
        return town

    return asyncio.run(played())


def test_without_a_pass_nothing_listens_and_nothing_is_told(tmp_path):
    async def scene(town):
        await town.door.look()
        assert town.door.address is None

    assert play(tmp_path, scene).told == []


def test_the_right_token_reads_and_registers_and_sees_no_keys(tmp_path):
    async def scene(town):
        issued = town.issue()
        await town.door.look()
        assert await town.knock(issued.token) == (200, {"path": "/v1/devices", "length": 0})
        body = json.dumps({"devices": [ROW]})
        assert await town.knock(issued.token, "POST", body=body) == (200, {"path": "/v1/devices", "length": len(body)})
        assert (await town.knock(issued.token, path=f"/v1/devices/{ROW['dev_eui']}?keys=show"))[0] == 200
        assert [request.sees_keys for request in town.asked] == [False] * 3

    assert play(tmp_path, scene).told == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", f"/v1/devices/{ROW['dev_eui']}"),
        ("POST", "/v1/orders"),
        ("POST", "/v1/devices/"),
        ("POST", "/v1/replace"),
        ("PUT", "/v1/devices"),
    ],
)
def test_what_needs_the_socket_is_refused_to_the_right_token(tmp_path, method, path):
    async def scene(town):
        issued = town.issue()
        await town.door.look()
        status, said = await town.knock(issued.token, method, path, "{}")
        assert (status, said["error"].partition(";")[2]) == (403, " the rest needs the socket")
        assert town.asked == []

    play(tmp_path, scene)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic {token}"},
        {"Authorization": "Bearer {token}x"},
        {"Authorization": "Bearer \xe9"},
        {"X-Token": "{token}"},
    ],
)
def test_no_token_and_a_wrong_one_are_refused_and_told_without_it(tmp_path, headers, caplog):
    async def scene(town):
        issued = town.issue()
        await town.door.look()
        sent = {name: value.format(token=issued.token) for name, value in headers.items()}
        body = json.dumps({"devices": [ROW]})
        status, said = await asyncio.to_thread(ask, town.door.address, sent, "POST", "/v1/devices", body)
        assert status == 401
        assert said["error"].startswith("this needs the token that")
        assert town.asked == []
        for text in (caplog.text, repr(town.told), repr(said)):
            assert issued.token not in text
            assert "wrong;" not in text
            assert ROW["app_key"] not in text

    with caplog.at_level(logging.DEBUG):
        town = play(tmp_path, scene)
    assert town.told == [("remote_refused", f"a wrong token, or none, from {HOST}")]


def test_a_pass_that_expires_shuts_the_door_by_itself(tmp_path):
    async def scene(town):
        issued = town.issue(hours=8)
        await town.door.look()
        address = town.door.address
        town.later_s = 8 * 3600 - 30
        await town.door.look()
        assert (await town.knock(issued.token))[0] == 200
        town.later_s = 8 * 3600
        assert await town.knock(issued.token) == (
            401,
            {"error": "the pass has expired; ask for another: lampyre gateway api open"},
        )
        await town.door.look()
        assert town.door.address is None
        with pytest.raises(ConnectionRefusedError):
            await town.knock(issued.token, address=address)
        assert list(tmp_path.iterdir()) == []

    play(tmp_path, scene)


def test_a_pass_that_is_withdrawn_or_replaced_is_worth_nothing(tmp_path):
    async def scene(town):
        first = town.issue()
        await town.door.look()
        second = town.issue()
        await town.door.look()
        assert (await town.knock(first.token))[0] == 401
        assert (await town.knock(second.token))[0] == 200
        assert withdraw(tmp_path)
        await town.door.look()
        assert town.door.address is None
        assert not withdraw(tmp_path)

    play(tmp_path, scene)


def test_an_address_with_many_wrong_tokens_is_not_listened_to_for_a_minute(tmp_path):
    async def scene(town):
        issued = town.issue()
        await town.door.look()
        for _ in range(TRIES):
            assert (await town.knock("wrong"))[0] == 401
        status, said = await town.knock(issued.token)
        assert (status, said) == (429, {"error": "too many wrong tokens came from this address; wait a minute"})
        town.later_s = 61
        assert (await town.knock(issued.token))[0] == 200

    told = [sentence for _, sentence in play(tmp_path, scene).told]
    assert told[1:] == [f"{TRIES} wrong tokens from {HOST}: it is not listened to for a minute"]


def test_addresses_beyond_the_table_share_one_budget():
    tries = _Tries(lambda: 100.0)
    for number in range(MAX_ADDRESSES + TRIES):
        tries.count(f"10.0.0.{number}")
    assert len(tries._counts) == MAX_ADDRESSES + 1
    assert tries.used_up("10.9.9.9")
    assert not tries.used_up("10.0.0.0")


def test_the_certificate_is_the_one_that_was_printed_and_names_the_machine(tmp_path):
    async def scene(town):
        issued = town.issue()
        await town.door.look()
        pem = await asyncio.to_thread(ssl.get_server_certificate, town.door.address)
        shown = x509.load_pem_x509_certificate(pem.encode())
        assert hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() == issued.certificate_sha256
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["localhost"]
        assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == [HOST]
        assert shown.not_valid_before_utc < datetime.now(UTC) < shown.not_valid_after_utc
        # A client that trusts just this certificate verifies it and the name strictly.
        context = ssl.create_default_context(cadata=pem)
        headers = {"Authorization": f"Bearer {issued.token}"}
        assert (await asyncio.to_thread(ask, town.door.address, headers, context=context))[0] == 200

    play(tmp_path, scene)


def test_an_older_tls_and_plain_http_are_refused(tmp_path):
    old = trusting()
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.deprecated_call():
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1

    async def scene(town):
        issued = town.issue()
        await town.door.look()
        with pytest.raises(ssl.SSLError, match=r"EOF|ALERT"):  # the door hangs up; it is not our side that refuses
            await asyncio.to_thread(ask, town.door.address, {}, context=old)
        assert b"200" not in await asyncio.to_thread(plain, town.door.address)
        assert (await town.knock(issued.token))[0] == 200

    assert play(tmp_path, scene).told == []


def plain(address):
    with socket.create_connection(address, timeout=30) as stream:
        stream.sendall(b"GET /v1/devices HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            return stream.recv(1000)
        except ConnectionResetError:
            return b""


def test_connections_that_ask_nothing_are_bounded_from_the_handshake_on(tmp_path, monkeypatch):
    monkeypatch.setattr(served, "MAX_CONNECTIONS", 2)

    async def scene(town):
        issued = town.issue()
        await town.door.look()
        mute = [await asyncio.to_thread(socket.create_connection, town.door.address, 30) for _ in range(2)]
        with pytest.raises((OSError, http.client.HTTPException)):
            await town.knock(issued.token)
        for stream in mute:
            stream.close()
        while town.door._http._tasks:
            await asyncio.sleep(0)
        assert (await town.knock(issued.token))[0] == 200

    play(tmp_path, scene)


def test_files_are_private_and_hold_no_token(tmp_path):
    issued = issue(tmp_path, 1, (HOST, 0), [HOST], boot_s())
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    for name in FILES:
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert issued.token not in (tmp_path / name).read_text()
    assert len(issued.token) == 43  # 32 bytes in base64url


def damage(path, **fields):
    form = json.loads(path.read_text())
    path.write_text(json.dumps(form | fields))


WRONG = [
    (lambda file, _: file.chmod(0o644), "has mode 0644 and must have 0600"),
    (lambda _, certificate: certificate.chmod(0o640), "has mode 0640 and must have 0600"),
    (lambda file, _: file.write_text("{"), "is damaged"),
    (lambda file, _: file.write_text("[]"), "is damaged"),
    (lambda file, _: file.write_bytes(b"\xff" * 10), "is damaged"),
    (lambda file, _: file.write_text("[" * 4000), "is damaged"),
    (lambda file, _: file.write_text(" " * 5000), "has more than 4096 bytes"),
    (lambda file, _: damage(file, token_sha256=""), "is damaged"),
    (lambda file, _: damage(file, port="443"), "is damaged"),
    (lambda file, _: damage(file, host=None), "is damaged"),
    (lambda file, _: damage(file, may="everything"), "is damaged"),
    (lambda file, _: damage(file, expires_s=float("nan")), "holds for more than 72 hours"),
    (lambda file, _: damage(file, expires_s=boot_s() + 1e6), "holds for more than 72 hours"),
    (lambda file, _: damage(file, expires_s=0), "has expired"),
    (lambda file, _: damage(file, boot_id="another"), "is from before this machine started"),
    (lambda _, certificate: certificate.unlink(), "is missing; issue both anew"),
    (lambda _, certificate: certificate.write_text("nothing"), "is not the one that"),
    (lambda file, _: (file.unlink(), file.symlink_to("/etc/hostname")), "remove it, then run lampyre gateway api open"),
    (lambda file, _: (file.unlink(), file.mkdir()), "is no file of the gateway's user"),
]


@pytest.mark.parametrize(("spoil", "says"), WRONG)
def test_a_pass_that_is_not_exactly_right_shuts_an_open_door_with_a_sentence(tmp_path, spoil, says):
    async def scene(town):
        town.issue()
        await town.door.look()
        assert town.door.address is not None
        spoil(*(tmp_path / name for name in FILES))
        await town.door.look()
        assert town.door.address is None
        await town.door.look()  # told once

    [(name, sentence)] = play(tmp_path, scene).told
    assert name == "remote_shut"
    assert sentence.startswith("the remote door stays shut: ")
    assert says in sentence
    with pytest.raises(PassError, match=says):
        read_pass(tmp_path, boot_s())


def test_a_port_that_is_taken_is_told(tmp_path):
    async def scene(town):
        with socket.create_server((HOST, 0)) as other:
            town.issue(address=other.getsockname())
            await town.door.look()
        assert town.door.address is None

    [(_, sentence)] = play(tmp_path, scene).told
    assert "cannot be had: Address already in use; choose another" in sentence


def test_a_started_door_looks_by_itself(tmp_path):
    async def scene(town):
        issued = town.issue()
        await town.door.start()
        while town.door.address is None:
            await asyncio.sleep(0)
        assert (await town.knock(issued.token))[0] == 200

    play(tmp_path, scene)


def test_a_running_gateway_opens_it_and_takes_the_device(tmp_path):
    async def act(gateway, _):
        issued = issue(tmp_path / "store", 1, (HOST, 0), [HOST], boot_s())
        await until(lambda: gateway.remote_address)
        body = json.dumps({"devices": [ROW | {"role": "parking"}]})
        headers = {"Authorization": f"Bearer {issued.token}"}
        told = [
            await asyncio.to_thread(ask, gateway.remote_address, headers, method, path, content)
            for method, path, content in (
                ("POST", "/v1/devices", body),
                ("GET", f"/v1/devices/{ROW['dev_eui']}", None),
                ("GET", f"/v1/devices/{ROW['dev_eui']}?keys=show", None),
            )
        ]
        withdraw(tmp_path / "store")
        await until(lambda: gateway.remote_address is None)
        return told

    (added, shown, keys) = running(tmp_path, act)
    assert added == (200, {"added": 1, "places": 0})
    assert (shown[0], shown[1]["role"], "app_key" in shown[1]) == (200, "parking", False)
    assert keys == (400, {"error": "keys are shown to root and to the gateway's own user; use sudo"})


def test_what_a_stranger_sends_is_read_to_its_end_and_not_kept(tmp_path):
    async def scene(town):
        town.issue()
        await town.door.look()
        await town.knock("wrong")  # what is imported at the first time is not counted
        body = bytes(served.MAX_BODY - 1)
        tracemalloc.start()
        try:
            assert (await town.knock("wrong", "POST", body=body))[0] == 401
            assert tracemalloc.get_traced_memory()[1] < served.MAX_BODY // 2  # buffers of both sides
        finally:
            tracemalloc.stop()

    play(tmp_path, scene)
