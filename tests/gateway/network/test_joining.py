from firmware.actions import Transmit
from firmware.mac import Mac
from gateway.network.joining import join_accept
from protocol.region import FULL, SINGLE_CHANNEL
from tests.firmware.network import OTAA, Network, Street

# RP 1.0.3revA §2.2.2 names the first three; the others are what European networks agree on.
EIGHT_HZ = {868_100_000 + n * 200_000 for n in range(3)} | {867_100_000 + n * 200_000 for n in range(5)}


def channels_after_a_join(plan, accept):
    """What a node that joined with *accept* sends on."""
    network = Network()
    network.accepts.append(accept)
    street = Street(network, lambda saved, image: Mac(OTAA, plan, saved, image))
    street.run(60_000)
    for _ in range(100):
        street.tell(Transmit(1, lambda room, now_ms: b"hello"))
        street.run(60_000)
    assert len(network.uplinks) == 100
    return {uplink.freq_hz for uplink in network.uplinks}


def test_a_node_of_the_full_plan_uses_eight_channels():
    accept = join_accept(FULL, 1, 0x13, 0x26000007)
    assert accept.cf_list == (867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000)
    assert channels_after_a_join(FULL, accept) == EIGHT_HZ
    accept.cf_list = None
    assert len(channels_after_a_join(FULL, accept)) == 3  # the list is what makes the difference


def test_a_node_of_the_single_channel_plan_stays_on_it():
    accept = join_accept(SINGLE_CHANNEL, 1, 0x13, 0x26000007)
    assert accept.cf_list is None
    assert channels_after_a_join(SINGLE_CHANNEL, accept) == {868_100_000}


def test_the_windows_are_those_of_the_plan():
    accept = join_accept(FULL, 7, 0x13, 0x26000007)
    assert (accept.join_nonce, accept.net_id, accept.dev_addr) == (7, 0x13, 0x26000007)
    assert (accept.rx1_dr_offset, accept.rx2_data_rate, accept.rx_delay_s) == (0, FULL.rx2_dr, FULL.rx_delay_s)
