"""What is to be done with a board, by what is wanted, known and found."""

import pytest

from boards.causes import BoardError, Cause
from boards.enrolment.identity import fresh
from boards.flashing.plan import Spot, Step, Wish, erases, plan, read_settings, setting_of
from boards.flashing.record import Record
from protocol.settings import ROLES

MAC = "240ac4010203"


def due(record, image="", runs_python=True, erase=False, target="devices.csv"):
    return [errand.step for errand in plan(record, image, runs_python, erase, target) if errand.due]


def finished():
    record = Record(MAC, image="5a")
    record.take(fresh(bytes(8)))
    record.registered, record.logged = "devices.csv", True
    record.forget_keys()
    return record


def test_a_blank_board_needs_everything():
    assert due(Record(MAC), runs_python=False) == list(Step)


def test_a_finished_board_is_only_looked_at():
    assert due(finished()) == [Step.FILES, Step.IDENTITY, Step.TEST, Step.LABEL]


@pytest.mark.parametrize(
    ("more", "image"),
    [({"runs_python": False}, True), ({"image": "a5"}, True), ({"image": "5a"}, False), ({"erase": True}, True)],
)
def test_an_image_is_written_if_another_is_wanted_or_none_runs(more, image):
    assert (Step.IMAGE in due(finished(), **more)) == image


def test_an_image_that_was_not_written_from_here_is_not_believed():
    assert Step.IMAGE in due(Record(MAC))


def test_another_registry_is_another_registration():
    assert Step.REGISTRY in due(finished(), target="/run/lampyre/api.sock")
    assert Step.REGISTRY not in due(finished(), target="")


def test_an_erased_board_is_another_node():
    assert set(due(finished(), erase=True)) == set(Step)


def test_a_run_that_was_cut_behind_the_erasing_does_not_erase_again():
    record = finished()
    assert erases(record, True)
    record.empty, record.logged = True, False
    assert not erases(record, True)
    assert not erases(finished(), False)


@pytest.mark.parametrize("role", ROLES)
def test_a_wish_goes_into_the_record_and_comes_back(role):
    spot = Spot(place="92002-lamp-1", latitude_deg=48.7, longitude_deg=2.3)
    wish = Wish(board="t3-s3", role=role, options=("distance",), settings={"min_dr": 1}, name="x", spot=spot)
    assert Wish.from_json(wish.to_json()) == wish


@pytest.mark.parametrize(
    ("wish", "cause"),
    [
        ({"role": "camera"}, Cause.ROLE_NEEDED),
        ({"role": ""}, Cause.ROLE_NEEDED),
        ({"role": "light"}, Cause.SITE_NEEDED),
        ({"role": "air", "settings": {"heartbeat_s": 600}}, Cause.SETTING_WRONG),
        ({"role": "air", "settings": {"reading_interval_s": 5}}, Cause.SETTING_WRONG),
        ({"role": "air", "settings": {"activation": "abp"}}, Cause.SETTING_WRONG),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_done(wish, cause):
    with pytest.raises(BoardError) as caught:
        Wish(board="heltec-v3", **wish).check()
    assert caught.value.cause is cause


def test_all_faults_of_the_settings_are_told_in_one_sentence():
    wish = Wish(board="heltec-v3", role="air", settings={"reading_interval_s": 5, "min_dr": 9})
    with pytest.raises(BoardError, match=r"min_dr is 9.*; .*reading_interval_s is 5"):
        wish.check()


def test_settings_come_from_a_file_and_from_the_command_line(tmp_path):
    path = tmp_path / "air.toml"
    path.write_text("reading_interval_s = 600\n")
    assert read_settings(path) == {"reading_interval_s": 600}
    assert setting_of("min_dr=2") == ("min_dr", 2)
    assert setting_of("plan = single-channel") == ("plan", "single-channel")
    for text in ("min_dr", "=2"):
        with pytest.raises(BoardError, match="write --set name=value"):
            setting_of(text)


@pytest.mark.parametrize("raw", [b"x = ", b"\xff", b"#" * 70_000])
def test_a_settings_file_that_is_none_is_named(tmp_path, raw):
    path = tmp_path / "air.toml"
    path.write_bytes(raw)
    with pytest.raises(BoardError) as caught:
        read_settings(path)
    assert caught.value.cause is Cause.FILE_WRONG
    with pytest.raises(BoardError):
        read_settings(tmp_path / "none.toml")
