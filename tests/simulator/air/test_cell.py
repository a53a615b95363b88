"""Cells of senders give the figures that others published: the acceptance table of our radio's rules."""

import math

import pytest
from hypothesis import settings

from protocol.airtime import airtime_us
from simulator.air.cell import Sender, run_cell, run_once
from simulator.air.fates import Fate
from simulator.air.interference import rule_named
from simulator.streams import Stream
from tests.simulator.air import studies
from tests.simulator.air.studies import LN, LOG10, LORASIM, LORASIM_TOLERANCE, NS3_GOURSAUD, NS3_TOLERANCE

SOAK = settings.get_current_profile_name() == "soak"
FRAMES = 1_000_000 if SOAK else 60_000  # for each figure: a standard error of 0.003 at most
RUNS = 100 if SOAK else 10  # of ns-3's thousand frames; it took ten for each point


@pytest.mark.parametrize("path_loss", [LN, LOG10])
@pytest.mark.parametrize(("setting", "nodes"), LORASIM, ids=lambda value: str(value))
def test_lorasims_rule_gives_lorasims_figures(setting, nodes, path_loss):
    published = LORASIM[setting, nodes][path_loss == LOG10]
    delivery = studies.delivery(setting, nodes, path_loss, FRAMES)
    assert delivery == pytest.approx(published, abs=LORASIM_TOLERANCE)


def test_the_corrected_papers_two_figures_come_out():
    """0.64 for 200 nodes of SN1, and 64 nodes above 0.9 of SN3: not 0.51 and 120, which were wrong."""
    assert studies.delivery("SN1", 200, LN, 2 * FRAMES) == pytest.approx(0.64, abs=0.01)
    assert 0.885 < studies.delivery("SN3", 64, LN, 2 * FRAMES) < 0.905
    assert studies.delivery("SN3", 120, LN, FRAMES) < 0.85


@pytest.mark.parametrize("nodes", [50, 100, 200, 400, 800, 1600])
def test_without_capture_delivery_is_that_of_pure_aloha(nodes):
    airtime_s = airtime_us(studies.LENGTH, 12, 125_000, 4) / 1e6
    delivery = studies.delivery("SN1", nodes, LN, 2 * FRAMES, "aloha")
    # The gap begins when the frame ends, so the period is one airtime longer than LoRaSim's formula says.
    assert delivery == pytest.approx(math.exp(-2 * nodes * airtime_s / 1000), abs=0.01)


def test_the_most_that_pure_aloha_carries_is_0_184_at_a_load_of_one_half():
    runs = 6 * RUNS
    at = {load: sum(studies.aloha(load, seed).throughput for seed in range(runs)) / runs for load in (0.3, 0.5, 0.8)}
    assert at[0.5] == pytest.approx(1 / (2 * math.e), abs=0.003)
    assert max(at, key=lambda load: at[load]) == 0.5


@pytest.mark.parametrize("load", NS3_GOURSAUD)
def test_goursauds_matrix_carries_what_ns3s_study_shows(load):
    assert studies.ns3_throughput(load, RUNS) == pytest.approx(NS3_GOURSAUD[load], abs=NS3_TOLERANCE)


def test_its_most_is_at_a_load_of_about_one():
    carried = {load: studies.ns3_throughput(load, RUNS) for load in (0.3, 1.0, 2.0)}
    assert max(carried, key=lambda load: carried[load]) == 1.0


def test_the_airtimes_are_those_of_the_studies():
    assert airtime_us(20, 12, 125_000, 4) == 1_712_128  # LoRaSim: 1712.13 ms
    assert airtime_us(20, 12, 125_000, 1) == 1_318_912  # 1318.91 ms
    assert tuple(airtime_us(59, sf, 125_000) for sf in range(7, 13)) == studies.NS3_AIRTIMES_US


def test_causes_add_up_to_what_was_sent():
    outcome = studies.ns3(3.5, 1)
    assert outcome.sent == studies.NS3_DEVICES == outcome.fates.total()
    assert set(outcome.fates) <= {Fate.RECEIVED, Fate.COLLISION, Fate.CROSSTALK, Fate.NO_DEMODULATOR}
    assert 0 < outcome.throughput < outcome.offered == pytest.approx(3.5, rel=1e-4)


def test_the_ninth_frame_at_a_time_finds_no_demodulator():
    channels = [Sender(-10_000, 5, 1_000_000, channel=number) for number in range(9)]
    outcome = run_once(channels, rule_named("aloha"), 1_000, Stream(1, "begin"), 8)
    assert outcome.fates == {Fate.RECEIVED: 8, Fate.NO_DEMODULATOR: 1}


def test_the_same_seed_is_the_same_run():
    runs = [studies.lorasim("SN4", 200, LN, 0.5, seed).fates for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_a_node_waits_for_the_end_of_its_frame():
    """Alone, and with frames that follow each other closely, it never collides with itself."""
    outcome = run_cell([Sender(-10_000, 0, 1_000_000)], rule_named("aloha"), 1_000, 100_000_000, Stream(1, "one"), 8)
    assert outcome.fates == {Fate.RECEIVED: outcome.sent}
    assert outcome.sent == pytest.approx(100, abs=1)
