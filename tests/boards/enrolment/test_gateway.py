"""The gateway as the tool asks it: once, and sure of the answer that was lost."""

import asyncio
import contextlib
import http.server
import json
import threading

import pytest

from boards.causes import BoardError, Cause
from boards.enrolment.enrol import enrol
from boards.enrolment.gateway import Gateway, read_token_file
from boards.enrolment.identity import fresh
from boards.enrolment.registry import row_of
from boards.flashing.plan import Wish
from boards.flashing.record import Record
from gateway.api.remote_pass import boot_s, issue
from tests.gateway.gateways import running, until

WISH = Wish(board="heltec-v3", role="air")


class Fake(http.server.BaseHTTPRequestHandler):
    """Devices as the local API has them, in `town`."""

    town = None

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.town.asked.append(("GET", self.headers.get("Authorization")))
        row = self.town.devices.get(path.rpartition("/")[2])
        if row is None:
            self._answer(404, {"error": "there is no such device"})
        elif query == "keys=show" and not self.town.shows:
            self._answer(400, {"error": "keys are shown to root"})
        else:
            self._answer(200, row if query else {name: row[name] for name in ("dev_eui", "role")})

    def do_POST(self):
        [row] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["devices"]
        self.town.asked.append(("POST", self.headers.get("Authorization")))
        if row["dev_eui"] in self.town.devices:
            self._answer(409, {"error": f"DevEUI {row['dev_eui']} is registered already"})
            return
        self.town.devices[row["dev_eui"]] = row
        if self.town.loses:
            self.town.loses -= 1
            self.connection.close()
        else:
            self._answer(200, {"added": 1})

    def _answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Town:
    """loses: so many answers to registrations never arrive. shows: whether keys are shown."""

    def __init__(self):
        self.devices = {}
        self.asked = []
        self.loses = 0
        self.shows = True


@pytest.fixture(name="fake")
def _fake():
    town = Town()
    handler = type("Handler", (Fake,), {"town": town})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        town.address = f"http://127.0.0.1:{server.server_address[1]}"
        yield town
        server.shutdown()
        thread.join()


def register(town, record, token=""):
    """The step that registers, alone."""
    enrol(record, row_for(record), Gateway(town.address, token), lambda: None)


def row_for(record):
    return row_of(WISH, WISH.settings_of(bytes.fromhex(record.dev_eui)), record.identity)


@pytest.fixture(name="record")
def _record():
    record = Record("240ac4010203")
    record.take(fresh(bytes(8)))
    return record


def test_it_is_registered_with_its_keys_under_a_token(fake, record):
    register(fake, record, "s3cret")
    assert fake.devices[record.dev_eui]["app_key"] == record.app_key
    assert {authorization for _, authorization in fake.asked} == {"Bearer s3cret"}
    assert record.registered == fake.address


@pytest.mark.parametrize("shows", [True, False])
def test_an_answer_that_was_lost_is_looked_up(fake, record, shows):
    fake.loses, fake.shows = 1, shows
    with pytest.raises(BoardError) as caught:
        register(fake, record)
    assert caught.value.cause is Cause.GATEWAY_ABSENT
    assert record.asked
    assert not record.registered
    register(fake, record)
    assert record.registered
    assert [kind for kind, _ in fake.asked].count("POST") == 1


@pytest.mark.parametrize("shows", [True, False])
def test_a_dev_eui_that_was_there_before_is_refused(fake, record, shows):
    fake.shows = shows
    fake.devices[record.dev_eui] = row_for(record) | {"app_key": "5a" * 16}
    with pytest.raises(BoardError) as caught:
        register(fake, record)
    assert caught.value.cause is Cause.KEYS_DIFFER
    assert not record.registered


def test_keys_of_a_list_may_be_there_before(fake, record):
    fake.devices[record.dev_eui] = row_for(record)
    record.keys_from = "list.csv"
    register(fake, record)
    assert record.registered


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("http://gateway.example", Cause.GATEWAY_REFUSED),
        ("ftp://localhost", Cause.GATEWAY_REFUSED),
        ("https://", Cause.GATEWAY_REFUSED),
        ("http://127.0.0.1:x", Cause.GATEWAY_REFUSED),
        ("http://127.0.0.1:9", Cause.GATEWAY_ABSENT),
        ("/nowhere/api.sock", Cause.GATEWAY_ABSENT),
    ],
)
def test_keys_do_not_go_in_clear_over_a_network_nor_to_nobody(address, cause, record):
    with pytest.raises(BoardError) as caught:
        Gateway(address).add(row_for(record))
    assert caught.value.cause is cause
    assert record.app_key not in str(caught.value)


def test_a_refusal_is_told_as_it_is(fake, record):
    gateway = Gateway(fake.address)
    gateway.add(row_for(record))
    with contextlib.suppress(BoardError):
        gateway.add(row_for(record))
    with pytest.raises(BoardError, match="is registered already"):
        gateway.add(row_for(record))


def at_the_door(folder, act):
    """What *act*(address, issued) returns or raises in a thread, at the remote door of a real gateway."""

    async def live(town, _):
        issued = issue(folder / "store", 1, ("127.0.0.1", 0), ["127.0.0.1"], boot_s())
        await until(lambda: town.remote_address)
        return await asyncio.to_thread(act, "https://{}:{}".format(*town.remote_address), issued)

    return running(folder, live)


def test_a_device_is_registered_at_a_real_gateway_with_the_file_that_it_printed(tmp_path, record):
    def act(address, issued):
        gateway = Gateway(address, *read_token_file(f"{issued.token}\nsha256:{issued.certificate_sha256}\n"))
        before = gateway.knows(record.dev_eui)
        enrol(record, row_for(record), gateway, lambda: None)
        return before, gateway.knows(record.dev_eui), gateway.has_keys_of(row_for(record))

    assert at_the_door(tmp_path, act) == (False, True, None)
    assert record.registered


@pytest.mark.parametrize(
    ("token", "sha256", "cause", "says"),
    [
        (None, "00" * 32, Cause.GATEWAY_REFUSED, "its certificate is not the one that the token file names"),
        (None, "", Cause.GATEWAY_ABSENT, "SSL"),
        ("wrong", None, Cause.GATEWAY_REFUSED, "this needs the token"),
    ],
)
def test_a_stranger_is_told_nothing_and_a_wrong_token_opens_nothing(tmp_path, record, token, sha256, cause, says):
    def act(address, issued):
        pinned = issued.certificate_sha256 if sha256 is None else sha256
        with pytest.raises(BoardError, match=says) as caught:
            Gateway(address, token or issued.token, pinned).add(row_for(record))
        return caught.value.cause

    assert at_the_door(tmp_path, act) is cause


@pytest.mark.parametrize("text", ["s3cret", "s3cret\n", "  s3cret\r\n\r\n"])
def test_a_file_with_the_token_alone_is_read_as_ever(text):
    assert read_token_file(text) == ("s3cret", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no token in its first line"),
        ("s3cr\xe9t", "has no token in its first line"),
        ("a b c", "more than two lines"),
        ("s3cret\nsha256:1f2e", "is not sha256: and 64 hex digits"),
    ],
)
def test_a_token_file_that_was_copied_badly_is_named(text, says):
    with pytest.raises(ValueError, match=says):
        read_token_file(text)
