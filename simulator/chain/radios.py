"""The radio of a scenario as the air wants it: models by name, and what each gateway listens with."""

from protocol.region import plan_named
from simulator.air.model import Bursts, RadioModel
from simulator.air.position import Position
from simulator.air.station import Kind, Station
from simulator.scenario.model import GatewayKind, GatewaySpec, Radio


def model_of(radio: Radio) -> RadioModel:
    """The models that a scenario names, for the air."""
    bursts = radio.bursts
    # What is lost by chance is no part of it: that stops with the faults, when everything has to arrive.
    return RadioModel(
        path_loss=radio.path_loss,
        shadowing_db=radio.shadowing_db,
        fading_db=radio.fading_db,
        interference=radio.interference.value,
        bursts=None if bursts is None else Bursts(good_s=bursts.good_s, bad_s=bursts.bad_s, loss=bursts.loss),
    )


def station_of(gateway: GatewaySpec) -> Station:
    """A gateway's radio, for the air; a bridge hears the one channel and data rate of its plan."""
    position = Position(gateway.x_m, gateway.y_m, gateway.height_m)
    if gateway.kind is GatewayKind.BRIDGE:
        plan = plan_named("single-channel")
        channels = tuple(channel for channel in plan.channels)
        return Station(
            position=position,
            kind=Kind.BRIDGE,
            channels_hz=channels,
            bridge_dr=plan.min_dr,
            gain_dbi=gateway.antenna_dbi,
        )
    return Station(position=position, gain_dbi=gateway.antenna_dbi)
