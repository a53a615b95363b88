"""Sums that are cheap to keep come to what the energy meter books event by event."""

import pytest

from simulator.energy.currents import AIR_SENSORS, BOARDS
from simulator.energy.ledger import EnergyMeter, State
from simulator.fleet import births
from simulator.fleet.rousing import Rousing
from tests.simulator.fleet.street import HOUR_US, Street, spec

BOARD = BOARDS[0]


@pytest.mark.parametrize("interval_s", [900, 3_600])
def test_it_agrees_with_the_meter(interval_s, monkeypatch):
    meters = []

    def metered(node, mind, mac, role):
        meters.append(EnergyMeter(Rousing(node, mind, mac, role), BOARD, AIR_SENSORS))
        return meters[-1]

    monkeypatch.setattr(births, "Rousing", metered)
    street = Street(spec("one", interval_s=interval_s, boots_s=0.0), warm=False)
    street.run(24)
    meters[0].settle(24 * 3_600_000)
    booked, summed = meters[0].ledger, street.fleet.charge("one", AIR_SENSORS)
    for state in (State.TRANSMIT, State.RECEIVE, State.SENSORS, State.DEEP_SLEEP, State.BOOT):
        assert summed.uas(state) == pytest.approx(booked.uas(state), rel=0.05), state
    for state in (State.AWAKE, State.LIGHT_SLEEP):
        assert summed.uas(state) == pytest.approx(booked.uas(state), rel=0.1), state
    elapsed_us = 24 * HOUR_US
    assert summed.mean_ua(elapsed_us) == pytest.approx(booked.mean_ua(elapsed_us), rel=0.02)
