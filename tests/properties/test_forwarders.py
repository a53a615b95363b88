"""Datagrams from anybody: nothing raises, tables stay bounded, no downlink is stolen; a million of them in the soak."""

import random

from hypothesis import given
from hypothesis import strategies as st

from gateway.links.forwarders import MAX_STRANGERS, Forwarders, Holds, Send
from gateway.links.link import Outcome, RadioReport, Received, Transmit, TransmitResult
from tests.fakes.forwarders import Datagrams

EUI = bytes.fromhex("AA555A0000000101")
HOME = ("192.0.2.1", 40_000)
TRANSMIT = Transmit(
    token=1, radio=f"udp:{EUI.hex()}", phy_payload=b"\x60", freq_hz=869_525_000, dr=3, power_dbm=27, counter_us=7
)
RXPK = {
    "time": "2013-03-31T16:21:17.528002Z",
    "tmst": 3512348611,
    "chan": 2,
    "rfch": 0,
    "freq": 866.349812,
    "stat": 1,
    "modu": "LORA",
    "datr": "SF7BW125",
    "codr": "4/6",
    "rssi": -35,
    "lsnr": 5.1,
    "size": 32,
    "data": "-DS4CGaDCdG+48eJNM3Vai-zDpsR71Pn9CPA9uCON84",
    "rsig": [{"ant": 0, "rssic": -90, "lsnr": 3.0}],
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*RXPK, "ant"]), inner, max_size=6),
    max_leaves=20,
)


def check(core, effects):
    for effect in effects:
        assert isinstance(effect, Send | Holds | Received | RadioReport | TransmitResult)
        if isinstance(effect, Received):
            assert 0 < len(effect.phy_payload) <= 255
            assert 0 <= effect.dr <= 7
            assert 137_000_000 <= effect.freq_hz <= 1_020_000_000
            assert 0 <= effect.counter_us < 2**32
            assert effect.rssi_dbm is None or type(effect.rssi_dbm) is int
            assert effect.snr_db is None or type(effect.snr_db) is float
    assert len(core.strangers) <= MAX_STRANGERS


@given(seed=st.integers(0, 2**32))
def test_mutated_datagrams_from_anywhere_steal_no_downlink(seed):
    dice = random.Random(seed)
    core, sent = Forwarders({EUI: None}, lambda: dice.getrandbits(16)), Datagrams(EUI)
    seeds = [sent.push_data({"rxpk": [RXPK] * 2, "stat": {"rxnb": 1}}), sent.pull_data(), sent.tx_ack(b"\x00\x00", {})]
    for now_ms in range(0, 50_000, 1_000):
        if now_ms % 10_000 == 0:
            check(core, core.handle(sent.pull_data(), HOME, now_ms))
        mutated = bytearray(dice.choice(seeds))
        for _ in range(dice.randrange(4)):
            mutated[dice.randrange(len(mutated))] = dice.randrange(256)
        if dice.random() < 0.1:
            del mutated[dice.randrange(len(mutated)) :]
        address = (dice.choice(["203.0.113.9", "203.0.113.10"]), dice.randrange(1, 65_536))
        check(core, core.handle(bytes(mutated), address, now_ms))
        effects = core.transmit(TRANSMIT, now_ms)
        assert [effect.address for effect in effects if isinstance(effect, Send)] == [HOME]
        check(core, core.wake(now_ms))
    given_up = core.close()
    assert all(effect.outcome is Outcome.NO_ANSWER for effect in given_up)


@given(changes=st.lists(st.dictionaries(st.sampled_from(list(RXPK)), json_values, max_size=4), min_size=1, max_size=4))
def test_any_json_in_place_of_any_field_spoils_no_neighbour(changes):
    core, sent = Forwarders({EUI: None}, lambda: 0), Datagrams(EUI)
    rxpks = [part for change in changes for part in (RXPK | change, RXPK)]
    effects = core.handle(sent.push_data({"rxpk": rxpks}), HOME, 0)
    check(core, effects)
    frames = [effect for effect in effects if isinstance(effect, Received)]
    counts = core.counts
    assert len(frames) >= len(changes)
    assert len(frames) + counts["bad_crc"] + counts["unsupported"] + counts["unread"] == len(rxpks)


@given(root=json_values)
def test_any_json_is_read(root):
    core, sent = Forwarders({EUI: None}, lambda: 0), Datagrams(EUI)
    core.handle(sent.pull_data(), HOME, 0)
    for body in (root, {"rxpk": root}, {"stat": root}, {"rxpk": [root]}):
        check(core, core.handle(sent.push_data(body), HOME, 0))
    core.transmit(TRANSMIT, 0)
    (result, *_) = core.handle(sent.tx_ack(b"\x00\x00", {"txpk_ack": root}), HOME, 0)
    assert isinstance(result, TransmitResult)
