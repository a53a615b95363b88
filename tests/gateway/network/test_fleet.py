"""Devices come, change and go, and what each of them costs."""

import tracemalloc

from gateway.network.events import DeviceGone, DeviceSet, Downlink, Reason
from gateway.network.registration import Abp
from tests.fakes.devices import Device, heard
from tests.fakes.stations import Station, refused

DEVICE = Device(1)
HOUR_MS = 3_600_000


def test_a_device_that_was_removed_is_not_heard_any_more():
    station = Station([DEVICE.registration()])
    station.hear(DEVICE.frame(0))
    station.hold = True
    station.hear(DEVICE.frame(1, confirmed=True))
    station.tell(Downlink(ref=1, target=DEVICE.dev_eui, f_port=4, payload=b"x", expires_ms=station.now_ms + HOUR_MS))
    station.tell(DeviceGone(dev_eui=DEVICE.dev_eui))
    assert station.fates == [(1, "impossible")]
    station.commit()
    assert station.transmits == []
    refused(station, DEVICE.frame(2), Reason.UNKNOWN_DEV_ADDR)
    assert station.server.link_of(DEVICE.dev_eui) is None


def test_a_device_removed_in_the_middle_of_a_failing_commit_stays_away():
    station = Station([DEVICE.registration()])
    station.hold = True
    station.hear(DEVICE.frame(0))
    station.tell(DeviceGone(dev_eui=DEVICE.dev_eui))
    station.fail()
    refused(station, DEVICE.frame(0), Reason.UNKNOWN_DEV_ADDR)


def test_a_device_removed_while_its_copies_are_waited_for_is_not_accepted():
    station = Station([DEVICE.registration()])
    station.tell(heard(DEVICE.frame(0)))
    station.tell(DeviceGone(dev_eui=DEVICE.dev_eui))
    [effect] = station.run(200)
    assert effect.reason is Reason.WRONG_MIC


def test_a_changed_device_keeps_its_session_unless_its_keys_changed():
    station = Station([DEVICE.registration()])
    station.hear(DEVICE.frame(0))
    station.tell(DeviceSet(registration=DEVICE.registration(name="at the corner", plan=1)))
    station.hear(DEVICE.frame(1))
    assert station.application.heard[-1].session == 0
    other = Device(7, dev_addr=DEVICE.dev_addr)
    abp = Abp(dev_addr=other.dev_addr, nwk_s_key=other.secrets[0], app_s_key=other.secrets[1])
    station.tell(DeviceSet(registration=DEVICE.registration(abp=abp)))
    refused(station, DEVICE.frame(2), Reason.WRONG_MIC)
    station.hear(other.frame(0))
    assert (station.application.heard[-1].session, station.application.heard[-1].f_cnt) == (1, 0)
    assert station.store.current == {1: 1}


def test_keys_that_changed_stay_changed_when_an_older_commit_fails():
    station = Station([DEVICE.registration()])
    station.hold = True
    station.hear(DEVICE.frame(0))
    other = Device(7)
    abp = Abp(dev_addr=other.dev_addr, nwk_s_key=other.secrets[0], app_s_key=other.secrets[1])
    station.tell(DeviceSet(registration=DEVICE.registration(abp=abp)))
    station.fail()
    refused(station, DEVICE.frame(1), Reason.UNKNOWN_DEV_ADDR)


def test_how_a_device_was_heard_can_be_asked():
    station = Station([DEVICE.registration()])
    assert station.server.link_of(DEVICE.dev_eui).heard_ms is None
    station.hear(DEVICE.frame(3), "udp:b", dr=2, snr_db=-4.5)
    link = station.server.link_of(DEVICE.dev_eui)
    assert (link.dr, link.snr_db, link.radios, link.f_cnt_up) == (2, -4.5, ("udp:b",), 3)


def test_a_town_costs_little_memory_and_each_of_its_devices_is_known_by_its_keys():
    """Keys that are set up take 3 kB: only those of the last few hundred devices that were heard are."""
    fleet = [Device(number) for number in range(1, 4 * 512 + 1)]
    registrations = [device.registration() for device in fleet]
    frames = [[device.frame(f_cnt) for device in fleet] for f_cnt in range(2)]
    station = Station(registrations[:1])
    station.hear(fleet[0].frame(0))  # what is made once
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    station = Station(registrations)
    for turn in frames:
        for phy_payload in turn:
            station.hear(phy_payload)
            station.run(10_000)  # its windows are closed
        assert len(station.accepted) == len(fleet)
        assert not station.refusals
        station.effects.clear()
        station.application.heard.clear()
        station.store.records.clear()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown / len(fleet) < 2_200
