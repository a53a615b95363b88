"""Scaling studies that others published, set up for our rules: what they printed, and what they were printed for.

LoRaSim: Bor, Roedig, Voigt and Alonso, "Do LoRa Low-Power Wide-Area Networks Scale?", MSWiM 2016
(doi 10.1145/2988287.2989163), in the authors' corrected version (N=200 under SN1: 0.64 instead of 0.51; 64 nodes above
0.9 under SN3 instead of 120); the figures here were measured with their program (r334), five days, three runs each.
ns-3: signetlabdei/lorawan, `experiments/aloha/Aloha.ipynb`: figures read from its stored picture.
"""

import math
from dataclasses import dataclass, replace

from protocol.airtime import airtime_us, symbol_us
from simulator.air.cell import Outcome, Sender, run_cell, run_once
from simulator.air.decibels import cdb
from simulator.air.interference import Rule, rule_named
from simulator.air.path_loss import path_loss_named
from simulator.streams import Stream

GAP_US = 1_000_000_000  # LoRaSim: a frame every 1000 s on average
LENGTH = 20
RUNS = 24
DEMODULATORS = 8
POWER_DBM = 14
LN, LOG10 = "lorasim-ln", "lorasim"  # as published, and as meant

# LoRaSim's table 3, dBm at 125, 250 and 500 kHz.
_SENSITIVITY_DBM = {
    7: (-126.5, -124.25, -120.75),
    8: (-127.25, -126.75, -124.0),
    9: (-131.25, -128.25, -127.5),
    10: (-132.75, -130.25, -128.75),
    11: (-134.5, -132.75, -128.75),
    12: (-133.25, -132.25, -132.25),
}
_BANDWIDTHS_HZ = (125_000, 250_000, 500_000)
_DISC_DBM = {"SN1": -132.25, "SN2": -112.0, "SN3": -132.25, "SN4": -134.5, "SN5": -134.5}  # that sets its radius

# Setting, nodes: data extraction rate with ln and with log10.
LORASIM = {
    ("SN1", 50): (0.893, 0.872),
    ("SN1", 100): (0.797, 0.760),
    ("SN1", 200): (0.642, 0.584),
    ("SN1", 400): (0.433, 0.351),
    ("SN1", 800): (0.234, 0.151),
    ("SN1", 1600): (0.112, 0.055),
    ("SN1x3", 100): (0.928, 0.911),
    ("SN1x3", 400): (0.746, 0.693),
    ("SN1x3", 1600): (0.348, 0.259),
    ("SN2", 800): (0.992, 0.991),
    ("SN3", 50): (0.919, 0.900),
    ("SN3", 64): (0.893, 0.876),
    ("SN3", 100): (0.843, 0.818),
    ("SN3", 200): (0.717, 0.655),
    ("SN3", 400): (0.524, 0.443),
    ("SN3", 800): (0.306, 0.217),
    ("SN3", 1600): (0.147, 0.079),
    ("SN4", 100): (0.991, 0.998),
    ("SN4", 400): (0.965, 0.994),
    ("SN4", 800): (0.932, 0.987),
    ("SN4", 1600): (0.861, 0.975),
    ("SN5", 1600): (0.868, 0.973),
}
LORASIM_TOLERANCE = 0.015
# Frames a second that LoRaSim managed under SN3, on the machine the figures above were measured on.
LORASIM_FRAMES_PER_S = {100: 115_000, 1600: 36_000}

# Offered traffic G: throughput S, in a disc of 7,500 m with Goursaud's matrix.
NS3_GOURSAUD = {1.0: 0.295, 2.25: 0.215, 3.5: 0.15}
NS3_TOLERANCE = 0.015
NS3_DEVICES = 1000
NS3_AIRTIMES_US = (112_896, 205_312, 369_664, 657_408, 1_478_656, 2_629_632)  # SF7..SF12, 50 bytes and 9 of headers
# The example's gateway has a single reception path, and its nodes choose their spreading factor by what a node could
# read (SX1272), not a gateway; with eight paths S would be 0.45 at G = 1.
_NS3_DEMODULATORS = 1
_NS3_RADIUS_M = 7500
_NS3_HEIGHT_M = 13.8
_NODE_DBM = (-124, -127, -130, -133, -135, -137)


@dataclass(frozen=True, slots=True)
class _Way:
    """How one node of LoRaSim sends: the shortest frames that reach, or a fixed setting."""

    sf: int
    bw_hz: int
    coding_rate: int = 1

    @property
    def airtime_us(self) -> int:
        return airtime_us(LENGTH, self.sf, self.bw_hz, self.coding_rate)


# SN2 is SF6 at 500 kHz with an implicit header, which LoRaWAN has not: 12.25 + 43 symbols of 128 µs.
_SN2 = Sender(0, 6, 7_072, 3 * 128)
_FIXED = {"SN1": _Way(12, 125_000, 4), "SN3": _Way(12, 125_000, 1)}
_WAYS = sorted((_Way(sf, bw_hz) for sf in _SENSITIVITY_DBM for bw_hz in _BANDWIDTHS_HZ), key=lambda way: way.airtime_us)


def lorasim_cell(setting: str, nodes: int, path_loss: str, seed: int) -> list[Sender]:
    """A disc whose radius LoRaSim computes with e to the power of what is meant for 10."""
    setting, _, channels = setting.partition("x")
    radius_m = 40 * math.exp((POWER_DBM - _DISC_DBM[setting] - 127.41) / 20.8)
    loss = path_loss_named(path_loss)
    dice = Stream(seed, f"lorasim/{setting}/{nodes}")
    senders = []
    for number in range(nodes):
        level_dbm = POWER_DBM - loss.loss_db(math.sqrt(dice.unit()) * radius_m, 0, 0)
        if setting == "SN2":
            senders.append(replace(_SN2, level_cdbm=cdb(level_dbm)))
            continue
        way = _FIXED.get(setting) or next(way for way in _WAYS if _sensitivity_dbm(way) < level_dbm)
        if setting == "SN5":
            level_dbm += max(2, POWER_DBM - math.floor(level_dbm - _sensitivity_dbm(way))) - POWER_DBM
        keen_us = 3 * symbol_us(way.sf, way.bw_hz)
        senders.append(Sender(cdb(level_dbm), way.sf, way.airtime_us, keen_us, number % int(channels or 1)))
    return senders


def lorasim(setting: str, nodes: int, path_loss: str, days: float, seed: int = 1, rule: str = "capture-6db") -> Outcome:
    """One run of LoRaSim's under one of our rules."""
    senders = lorasim_cell(setting, nodes, path_loss, seed)
    return run_cell(senders, rule_named(rule), GAP_US, int(days * 86_400e6), Stream(seed, "traffic"), DEMODULATORS)


def delivery(setting: str, nodes: int, path_loss: str, frames: int, rule: str = "capture-6db") -> float:
    """The share received of some *frames*, over RUNS discs: a disc's nodes lie as they lie for all of its frames."""
    days = frames / RUNS / nodes * GAP_US / 86_400e6
    outcomes = [lorasim(setting, nodes, path_loss, days, seed, rule) for seed in range(1, RUNS + 1)]
    return sum(outcome.delivery for outcome in outcomes) / RUNS


def aloha(load: float, seed: int = 1) -> Outcome:
    """Pure ALOHA with so much traffic offered, by 1,000 nodes that send once."""
    senders = [Sender(-10_000, 5, NS3_AIRTIMES_US[0])] * NS3_DEVICES
    return _once(senders, rule_named("aloha"), load, seed, DEMODULATORS)


def ns3(load: float, seed: int) -> Outcome:
    """One run of ns-3's study with Goursaud's matrix."""
    loss = path_loss_named("ns3")
    dice = Stream(seed, "ns3")
    senders = []
    for _ in range(NS3_DEVICES):
        distance_m = math.hypot(math.sqrt(dice.unit()) * _NS3_RADIUS_M, _NS3_HEIGHT_M)
        level_dbm = POWER_DBM - loss.loss_db(distance_m, 0, 0)
        above = [number for number, least_dbm in enumerate(_NODE_DBM) if level_dbm > least_dbm]
        sf_number = min(above, default=5)
        senders.append(Sender(cdb(level_dbm), 5 - sf_number, NS3_AIRTIMES_US[sf_number]))
    return _once(senders, rule_named("goursaud"), load, seed, _NS3_DEMODULATORS)


def ns3_throughput(load: float, runs: int) -> float:
    """S as the mean of *runs*."""
    return sum(ns3(load, seed).throughput for seed in range(1, runs + 1)) / runs


def _once(senders: list[Sender], rule: Rule, load: float, seed: int, demodulators: int) -> Outcome:
    lasts_us = int(sum(sender.airtime_us for sender in senders) / load)
    return run_once(senders, rule, lasts_us, Stream(seed, "traffic"), demodulators)


def _sensitivity_dbm(way: _Way) -> float:
    return _SENSITIVITY_DBM[way.sf][_BANDWIDTHS_HZ.index(way.bw_hz)]
