"""A number fits its field, or its name is in the refusal."""

from protocol.lorawan.ranges import fits, freq_steps
from tests.protocol.expect import refused


def test_numbers_fit_up_to_the_last():
    for bits in (1, 4, 16, 24, 32):
        assert fits("FCnt", (1 << bits) - 1, bits) == (1 << bits) - 1
        refused("FCnt is %d; expected 0..%d" % (1 << bits, (1 << bits) - 1), fits, "FCnt", 1 << bits, bits)
    refused("FCnt is -1; expected 0..65535", fits, "FCnt", -1, 16)


def test_frequencies_come_in_steps_of_100_hz():
    assert freq_steps(0) == 0
    assert freq_steps(868100000) == 8681000
    assert freq_steps(1677721500) == 0xFFFFFF
    for freq_hz in (868100050, 1677721600, -100):
        refused("frequency is %d Hz; expected a multiple of 100 Hz" % freq_hz, freq_steps, freq_hz)
