"""An image is believed when all its digests are right, and gets into the cache whole or not at all."""

import contextlib
import http.server
import random
import threading
from pathlib import Path

import pytest
from esptool.bin_image import ESP32FirmwareImage, LoadFirmwareImage
from typer.testing import CliRunner

from boards.catalogue.cli import app
from boards.catalogue.pins import ESP32, ESP32_S3
from boards.causes import BoardError, Cause
from boards.flashing import image
from boards.messages import LANGUAGES, sentence
from simulator.rom.image import PROGRAM_AT, Recipe, image_at, make_image

CHIPS = {"ESP32": ESP32, "ESP32-S3": ESP32_S3}
SMALL = Recipe(chip="ESP32-S3", program_len=3_000)
GOOD = make_image(SMALL)
NAME = Path("image.bin")


def fault_of(data):
    with pytest.raises(BoardError) as caught:
        image.parse_image(data, NAME)
    return caught.value


@pytest.mark.parametrize("chip", CHIPS)
def test_the_images_of_these_tests_are_images_to_esptool(chip):
    made = make_image(Recipe(chip=chip, program_len=3_000))
    program = made[PROGRAM_AT - image_at(chip) :]
    for data in (made, program):
        found = LoadFirmwareImage(chip.lower().replace("-", ""), data)
        assert isinstance(found, ESP32FirmwareImage)
        assert found.checksum == found.calculate_checksum()
        assert found.stored_digest == found.calc_digest
        assert found.chip_id == CHIPS[chip].image_id


@pytest.mark.parametrize("chip", CHIPS)
def test_an_image_tells_its_chip_its_version_and_the_flash_it_needs(chip, tmp_path):
    path = tmp_path / "image.bin"
    path.write_bytes(make_image(Recipe(chip=chip, program_len=3_000, version="v1.29.0-preview.7", flash_mb=8)))
    found = image.read_image(path)
    assert (found.chip, found.version, found.flash_mb) == (CHIPS[chip], (1, 29, 0), 8)


def test_no_byte_of_it_may_change():
    """What no digest covers is the space between the parts, which is 0xff, and the end of the table."""
    dice = random.Random(3)
    covered = [*range(16_100), *range(0x8000, 0x80A0), *range(PROGRAM_AT, len(GOOD))]
    for at in dice.sample(covered, 200):
        assert fault_of(GOOD[:at] + bytes([GOOD[at] ^ 1 << dice.randrange(8)]) + GOOD[at + 1 :]).cause is (
            Cause.IMAGE_UNREADABLE
        ), at


def test_no_byte_of_it_may_be_missing():
    dice = random.Random(4)
    for length in (0, 1, 23, 24, 0x8000, PROGRAM_AT, len(GOOD) - 1, *dice.sample(range(len(GOOD)), 50)):
        assert fault_of(GOOD[:length]).cause is Cause.IMAGE_UNREADABLE, length


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "ends before its boot loader: it was cut"),
        (b"<!DOCTYPE html>" + bytes(100_000), "its boot loader begins with 3c21, not with e9: this is no image"),
        (GOOD[:12] + b"\x05\x00" + GOOD[14:], "is for chip 5; known are 0 (ESP32), 9 (ESP32-S3)"),
        (GOOD[:-1], "its program ends before its checksum: it was cut"),
        (GOOD[:-1] + b"\0", "its program's SHA-256 is not the one it carries: it was altered"),
        (GOOD[:100] + b"\x01" + GOOD[101:], "its boot loader has checksum"),
        (make_image(Recipe(project="blinky", program_len=300)), "its program is not MicroPython"),
        (make_image(Recipe(version="nightly", program_len=300)), "its program says version b'nightly'"),
        (GOOD[:0x8000] + b"\xff" * 0x1000 + GOOD[0x9000:], "it has no table of partitions"),
        (GOOD[:PROGRAM_AT] + make_image(Recipe(program_len=300))[PROGRAM_AT - 0x1000 :], "its program for ESP32"),
        (bytes(image.MAX_LEN + 1), "it has more than 16 MB"),
    ],
)
def test_what_is_wrong_is_said(data, says):
    fault = fault_of(data)
    assert fault.cause is Cause.IMAGE_UNREADABLE
    assert says in fault.facts["detail"]
    assert fault.facts["path"] == "image.bin"


def test_an_old_micropython_is_refused():
    fault = fault_of(make_image(Recipe(version="v1.26.1", program_len=300)))
    assert (fault.cause, fault.facts["found"], fault.facts["expected"]) == (Cause.IMAGE_OLD, "1.26.1", "1.27.0")


def test_a_file_that_is_not_there_or_cannot_be_read(tmp_path):
    with pytest.raises(BoardError) as caught:
        image.read_image(tmp_path / "none.bin")
    assert caught.value.cause is Cause.IMAGE_ABSENT
    with pytest.raises(BoardError) as caught:
        image.read_image(tmp_path)
    assert caught.value.cause is Cause.IMAGE_UNREADABLE


def test_the_newest_in_the_cache_is_taken_and_only_of_this_build(tmp_path):
    assert image.cached("ESP32_GENERIC", tmp_path / "none") is None
    for name in (
        "ESP32_GENERIC-20251209-v1.27.0.bin",
        "ESP32_GENERIC-20260406-v1.28.0.bin",
        "ESP32_GENERIC-20251209-v1.9.9.bin",
        "ESP32_GENERIC-SPIRAM-20260829-v1.29.0.bin",
        "ESP32_GENERIC_S3-20260829-v1.29.0.bin",
        "tmp1234.part",
    ):
        (tmp_path / name).touch()
    assert image.cached("ESP32_GENERIC", tmp_path).name == "ESP32_GENERIC-20260406-v1.28.0.bin"
    assert image.cached("LILYGO_T3_S3", tmp_path) is None


@contextlib.contextmanager
def server(answers):
    """A web server on this machine. answers: by path, status, length told and body."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, length, body = answers.get(self.path, (404, 0, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{serving.server_port}/"
        finally:
            serving.shutdown()
            thread.join()


FILE = f"ESP32_GENERIC_S3-{image.RELEASE}.bin"


def test_an_image_is_fetched_with_progress_and_found_again(tmp_path):
    seen = []
    with server({f"/{FILE}": (200, len(GOOD), GOOD)}) as source:
        path = image.fetch("ESP32_GENERIC_S3", tmp_path / "cache", lambda *so_far: seen.append(so_far), source)
    assert path == tmp_path / "cache" / FILE
    assert path.read_bytes() == GOOD
    assert image.cached("ESP32_GENERIC_S3", tmp_path / "cache") == path
    assert seen[-1] == (len(GOOD), len(GOOD))


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({}, "Not Found"),
        ({f"/{FILE}": (200, len(GOOD), GOOD[:-500])}, "the connection broke"),
        ({f"/{FILE}": (200, 9, b"Log in at")}, "its boot loader: it was cut"),
        ({f"/{FILE}": (200, len(GOOD), GOOD[:-1] + b"\0")}, "SHA-256 is not the one it carries: it was altered"),
        ({f"/{FILE}": (200, image.MAX_LEN + 9, bytes(image.MAX_LEN + 9))}, "this is no image"),
    ],
    ids=["absent", "cut", "a portal", "altered", "endless"],
)
def test_what_does_not_arrive_whole_is_not_kept(answers, says, tmp_path):
    with server(answers) as source, pytest.raises(BoardError) as caught:
        image.fetch("ESP32_GENERIC_S3", tmp_path, lambda *_: None, source)
    assert caught.value.cause is Cause.DOWNLOAD
    assert says in caught.value.facts["detail"]
    for language in LANGUAGES:  # what to do without it
        assert f"{source}{FILE}" in sentence(caught.value, language)
        assert "--image" in sentence(caught.value, language)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_the_address_is_told(tmp_path):
    with pytest.raises(BoardError) as caught:
        image.fetch("ESP32_GENERIC", tmp_path, lambda *_: None, "http://127.0.0.1:1/")
    assert caught.value.cause is Cause.DOWNLOAD
    assert caught.value.facts["url"] == f"http://127.0.0.1:1/ESP32_GENERIC-{image.RELEASE}.bin"


def test_all_images_are_fetched_for_a_van_without_internet(tmp_path, monkeypatch):
    monkeypatch.setenv("LAMPYRE_HOME", str(tmp_path))
    answers = {
        f"/{build}-{image.RELEASE}.bin": (200, len(GOOD), GOOD) for build in ("LILYGO_T3_S3", "ESP32_GENERIC_S3")
    }
    with server(answers) as source:
        result = CliRunner().invoke(app, ["fetch", "t3-s3", "heltec-v3", "heltec-wsl-v3", "--source", source])
        assert result.exit_code == 0
        assert result.stdout.split() == [
            str(tmp_path / "images" / f"{build}-{image.RELEASE}.bin") for build in ("ESP32_GENERIC_S3", "LILYGO_T3_S3")
        ]
        (tmp_path / "images" / f"LILYGO_T3_S3-{image.RELEASE}.bin").unlink()
        result = CliRunner().invoke(app, ["fetch", "lora32-v161", "t3-s3", "--source", source, "--language", "fr"])
    assert result.exit_code == 1
    assert result.stdout.split() == [str(tmp_path / "images" / f"LILYGO_T3_S3-{image.RELEASE}.bin")]
    assert f"{source}ESP32_GENERIC-{image.RELEASE}.bin" in result.stderr
