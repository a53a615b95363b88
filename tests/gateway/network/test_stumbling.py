"""Mistakes of ours that a frame brings to light: it is refused, what was decided on it is undone, others go on."""

import pytest

from gateway.network import accepting, joining, receiving
from gateway.network.adr import Adr
from gateway.network.events import Alarm, Reason, Refused
from gateway.network.mac_dialogue import Talk
from gateway.network.speaking import Speaker
from tests.fakes.devices import Device, heard
from tests.fakes.stations import Station

WHY = "ZeroDivisionError: on purpose"


@pytest.fixture(name="device")
def _device() -> Device:
    return Device(1, joins=True)


@pytest.fixture(name="station")
def _station(device: Device) -> Station:
    station = Station([device.registration()])
    station.hear(device.join_request())
    device.hear_accept(station.transmits[-1].phy_payload)
    return station


@pytest.fixture(name="stumble")
def _stumble(monkeypatch):
    """Let the next call of a method or function raise."""

    def at(where: object, name: str) -> None:
        method = getattr(where, name)
        left = [1]

        def stumbling(*arguments, **named):
            if left:
                left.pop()
                raise ZeroDivisionError("on purpose")
            return method(*arguments, **named)

        monkeypatch.setattr(where, name, stumbling)

    return at


def kept(station: Station) -> int:
    """The FCntUp on disk."""
    return station.store.sessions[1, station.store.current[1]].f_cnt_up


def test_what_the_application_cannot_hear_is_set_aside_and_its_counter_moves(station, device):
    station.hear(device.frame(0))
    station.application.answers = [ZeroDivisionError("on purpose")]
    station.hear(device.frame(1, 7, b"odd", confirmed=True))
    [(uplink, detail)] = station.application.stumbles
    assert (uplink.f_cnt, uplink.f_port, uplink.payload) == (1, 7, b"odd")
    assert detail.startswith(f"{WHY} (applications.py, line ")
    assert device.hear(station.transmits[-1].phy_payload)[0].ack, "so that it does not come again and again"
    station.hear(device.frame(2))
    assert (station.accepted_f_cnts, kept(station)) == ([0, 1, 2], 2)


@pytest.mark.parametrize(
    ("where", "name"),
    [(Talk, "hear"), (Speaker, "heard"), (Adr, "heard"), (accepting, "open_payload")],
    ids=["MAC commands", "acknowledgements", "ADR", "decryption"],
)
@pytest.mark.parametrize("first", [True, False], ids=["of a session", "later"])
def test_what_the_server_cannot_hear_is_set_aside_and_nothing_else_is_changed(
    station, device, stumble, where, name, first
):
    if not first:
        station.hear(device.frame(0))
    f_cnt = int(not first)
    before = station.store.logs.get(1)
    stumble(where, name)
    link_check = bytes([2])
    effects = station.hear(device.frame(f_cnt, 7, b"odd", confirmed=True, f_opts=link_check, adr=True))
    [(uplink, detail)] = station.application.stumbles
    assert uplink.f_cnt == f_cnt
    assert uplink.f_port == 7
    assert detail.startswith(WHY)
    assert device.hear(station.transmits[-1].phy_payload)[0].ack
    assert kept(station) == f_cnt
    assert station.store.logs.get(1) == (before or "0"), "the application never heard of it"
    assert all(type(effect) not in (Refused, Alarm) for effect in effects), "that is the application's to say"
    station.hear(device.frame(f_cnt + 1))
    assert kept(station) == f_cnt + 1
    station.restart()
    station.hear(device.frame(f_cnt + 2))
    assert kept(station) == f_cnt + 2


def test_what_failed_twice_is_refused_as_if_it_was_never_heard(station, device, stumble, monkeypatch):
    station.hear(device.frame(0))
    stumble(Talk, "hear")
    stumble(type(station.application), "stumbled")
    odd = device.frame(1, 7, b"odd", f_opts=bytes([2]))
    [refused, alarm] = station.hear(odd)
    assert (refused.reason, alarm.name) == (Reason.FAULT, "frame_failed")
    assert WHY in refused.detail
    assert alarm.detail == refused.detail
    assert kept(station) == 0
    station.hear(odd)
    assert (station.accepted_f_cnts, kept(station)) == ([0, 1], 1)


def test_what_fails_before_it_is_known_whose_it_is_is_refused(station, device, stumble):
    for where, name in ((receiving, "recognise"), (receiving, "parse"), (receiving, "authenticate")):
        stumble(where, name)
        [refused, alarm] = station.hear(device.frame(0))
        assert refused.reason is Reason.FAULT
        assert alarm.detail.startswith(WHY)
    station.hear(device.frame(0))
    assert station.accepted_f_cnts == [0]


def test_a_join_that_fails_uses_up_no_nonce(station, device, stumble):
    stumble(joining, "joined")
    request = device.join_request()
    [refused, _] = station.hear(request)
    assert refused.reason is Reason.FAULT
    station.hear(request)
    assert max(row.join_nonce for row in station.store.sessions.values()) == 2


def test_what_was_accepted_stays_so_when_the_answer_fails(station, device, stumble):
    station.hear(device.frame(0))
    stumble(Speaker, "speak")
    effects = station.hear(device.frame(1))
    assert [type(effect) for effect in effects if type(effect) in (Refused, Alarm)] == [Refused, Alarm]
    assert (station.accepted_f_cnts, kept(station)) == ([0, 1], 1)


def test_others_of_the_same_moment_are_heard(device, stumble):
    other = Device(2)
    station = Station([device.registration(), other.registration()])
    stumble(receiving, "may_join")
    for frame in (device.join_request(), other.frame(0)):
        station.tell(heard(frame))
    station.run(1_000)
    assert station.accepted_f_cnts == [0]


def test_a_step_that_no_frame_began_still_raises(station, device, stumble):
    """Of a timer or a commit that fails nobody knows what it leaves behind: the process begins anew."""
    station.application.due_ms = station.now_ms + 5
    stumble(type(station.application), "wake")
    with pytest.raises(ZeroDivisionError):
        station.run(10)
    stumble(accepting._Accepted, "done")
    with pytest.raises(ZeroDivisionError):
        station.hear(device.frame(0))
