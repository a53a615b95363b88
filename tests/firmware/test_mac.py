"""The skeleton's MAC, on both Pythons: frames open with the session's keys, channels take turns, flash is spared."""

from firmware.actions import Persist, RadioTransmit, Transmit
from firmware.events import Transmitted, Woke
from firmware.mac import F_CNT_STEP, Mac
from protocol.lorawan.frames import UPLINK, parse_frame
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload
from protocol.region import FULL, SINGLE_CHANNEL, STANDARD_CHANNELS

KEYS = SessionKeys(bytes(range(16)), bytes(range(16, 32)))
DEV_ADDR = 0x26000003
HOUR_MS = 3_600_000


def payload(room, now_ms):
    return b"a reading"


def sent(mac, now_ms, transmit=None):
    """The RadioTransmit that *mac* answers a Transmit with; the radio finishes it at once."""
    actions = mac.handle(transmit or Transmit(1, payload), now_ms)
    assert isinstance(actions[-1], RadioTransmit)
    mac.handle(Transmitted(), now_ms)
    return actions[-1]


def test_a_frame_opens_with_the_keys_of_its_session():
    mac = Mac(KEYS, DEV_ADDR, FULL, 5, 70_000)
    frame = parse_frame(sent(mac, 0, Transmit(2, payload, True)).phy_payload)
    assert frame.dev_addr == DEV_ADDR
    assert frame.confirmed
    assert frame.f_port == 2
    assert mic_matches(KEYS, frame, UPLINK, 70_000)
    assert open_payload(KEYS, frame, UPLINK, 70_000) == b"a reading"
    assert not parse_frame(sent(mac, HOUR_MS).phy_payload).confirmed


def test_channels_take_turns():
    mac = Mac(KEYS, DEV_ADDR, FULL, 5)
    freqs = [sent(mac, number * HOUR_MS).freq_hz for number in range(16)]
    assert sorted(freqs[:8]) == sorted(STANDARD_CHANNELS)
    assert freqs[8:] == freqs[:8]


def test_neighbours_begin_on_different_channels():
    first = [sent(Mac(KEYS, DEV_ADDR + number, FULL, 5), 0).freq_hz for number in range(8)]
    assert sorted(first) == sorted(STANDARD_CHANNELS)


def test_while_one_sub_band_rests_the_other_is_used():
    mac = Mac(KEYS, DEV_ADDR, FULL, 0)
    first = sent(mac, 0).freq_hz
    second = sent(mac, 5_000).freq_hz
    assert (first < 868_000_000) != (second < 868_000_000)
    assert mac.handle(Transmit(1, payload), 10_000) == []
    due_ms = mac.wake_at()
    assert due_ms > 100_000
    assert mac.handle(Woke(), due_ms - 1) == []
    [radio] = mac.handle(Woke(), due_ms)
    assert (radio.freq_hz < 868_000_000) == (first < 868_000_000)


def test_the_single_channel_plan_has_one_channel():
    mac = Mac(KEYS, DEV_ADDR, SINGLE_CHANNEL, 3)
    freqs = [sent(mac, number * HOUR_MS).freq_hz for number in range(5)]
    assert freqs == [STANDARD_CHANNELS[0]] * 5


def test_flash_is_written_once_for_many_counters():
    """NVS bears about 100,000 writes: one for each frame would wear it out in three years."""
    mac = Mac(KEYS, DEV_ADDR, FULL, 5, 1000)
    written = []
    for number in range(3 * F_CNT_STEP):
        actions = mac.handle(Transmit(1, payload), number * HOUR_MS)
        written += [(number, action.key, action.value) for action in actions if isinstance(action, Persist)]
        mac.handle(Transmitted(), number * HOUR_MS)
    assert written == [
        (0, "f_cnt_up", 1000 + F_CNT_STEP),
        (F_CNT_STEP, "f_cnt_up", 1000 + 2 * F_CNT_STEP),
        (2 * F_CNT_STEP, "f_cnt_up", 1000 + 3 * F_CNT_STEP),
    ]
