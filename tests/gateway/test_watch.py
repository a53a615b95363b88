"""The ring of the last uplinks, and who waits for the next."""

import asyncio
import logging

from gateway.links.link import RadioReport
from gateway.network.events import Accepted, Alarm, Reason, Refused
from gateway.watch import RING, Watch

NOON_MS = 1_767_268_800_000


def accepted(f_cnt: int) -> Accepted:
    return Accepted(
        dev_eui=bytes(range(8)),
        f_cnt=f_cnt,
        f_port=1,
        dr=5,
        freq_hz=868_100_000,
        radios=(("udp:01", -90, 7.5),),
        phy_len=30,
        records=1,
    )


REFUSED = Refused(reason=Reason.WRONG_MIC, dev_addr=0x26000001, detail="forged")


def asked(watch: Watch, after: int = 0, limit: int = 5000, wait_s: float = 0) -> list[dict]:
    return asyncio.run(watch.uplinks(after, limit, wait_s))


def test_the_ring_is_bounded_and_numbers_go_on():
    watch = Watch(lambda ms: NOON_MS + ms)
    for f_cnt in range(RING + 50):
        watch.accepted(accepted(f_cnt), f_cnt)
    shown = asked(watch)
    assert [entry["number"] for entry in shown] == list(range(51, RING + 51))
    assert [entry["f_cnt"] for entry in asked(watch, after=RING + 40, limit=3)] == [1040, 1041, 1042]


def test_what_is_shown_of_an_uplink():
    watch = Watch(lambda ms: NOON_MS + ms)
    watch.accepted(accepted(7), 250)
    watch.refused(REFUSED, 500)
    first, second = asked(watch)
    assert first["at"] == "2026-01-01T12:00:00.250Z"
    assert (first["dev_eui"], first["f_cnt"], first["records"]) == ("0001020304050607", 7, 1)
    assert first["radios"] == [{"radio": "udp:01", "rssi_dbm": -90, "snr_db": 7.5}]
    assert (second["refused"], second["dev_addr"], second["dev_eui"]) == ("wrong_mic", "26000001", None)


def test_before_the_time_is_known_nothing_is_dated():
    watch = Watch(lambda ms: None)
    watch.accepted(accepted(7), 250)
    assert asked(watch)[0]["at"] is None


def test_whoever_waits_is_woken_by_the_next_uplink():
    async def wait() -> tuple[list[dict], list[dict]]:
        watch = Watch(lambda ms: None)
        waiting = [asyncio.ensure_future(watch.uplinks(0, 10, 60)) for _ in range(2)]
        await asyncio.sleep(0)
        assert not any(one.done() for one in waiting)
        watch.refused(REFUSED, 1)
        first, second = await asyncio.wait_for(asyncio.gather(*waiting), 20)
        return first, second

    first, second = asyncio.run(wait())
    assert [entry["refused"] for entry in first] == ["wrong_mic"]
    assert first == second


def test_whoever_waits_in_vain_gets_nothing():
    assert asked(Watch(lambda ms: None), wait_s=0.01) == []


def test_a_radio_is_logged_when_it_comes_or_goes_or_says_something_and_its_counts_are_kept(caplog):
    watch = Watch(lambda ms: None)
    with caplog.at_level(logging.INFO):
        for online, detail in ((True, "is there"), (True, ""), (True, "somebody asks, too"), (False, "silent")):
            watch.radio(RadioReport(radio="udp:01", online=online, detail=detail, figures={"rxnb": 2}), 1)
        watch.alarmed(Alarm(name="silent", dev_eui=bytes(8), detail="not heard"), 2)
    assert watch.radios == {"udp:01": False}
    assert watch.radio_figures == {"udp:01": {"rxnb": 2}}
    assert [record.getMessage() for record in caplog.records] == [
        "radio udp:01 online: is there",
        "radio udp:01: somebody asks, too",
        "radio udp:01 offline: silent",
        "silent dev_eui=0000000000000000: not heard",
    ]
