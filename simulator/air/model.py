"""Which models a radio is made of, by name, with the defaults that the scenario file has."""

from dataclasses import dataclass

from simulator.air.interference import rule_named
from simulator.air.path_loss import path_loss_named
from simulator.air.receivers import receiver_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """A link that is good and bad by turns (Gilbert and Elliott), each for an exponential time, each link for itself.

    good_s, bad_s: means. loss: share of frames lost in the bad state, both ways.
    """

    good_s: float
    bad_s: float
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioModel:
    """path_loss, interference, gateway_receiver, node_receiver: names of `path_loss.py` and its neighbours.

    shadowing_db: standard deviation of what a link has for ever; fading_db: of what each frame has at each receiver.
    loss_up, loss_down: share of frames lost by chance on top of everything else. Raises ValueError for a name that
    there is not, with those there are.
    """

    path_loss: str = "urban"
    shadowing_db: float = 7.0
    fading_db: float = 1.5
    interference: str = "croce"
    gateway_receiver: str = "noise-6db"
    node_receiver: str = "noise-6db"
    loss_up: float = 0.0
    loss_down: float = 0.0
    bursts: Bursts | None = None

    def __post_init__(self) -> None:
        path_loss_named(self.path_loss)
        rule_named(self.interference)
        receiver_named(self.gateway_receiver)
        receiver_named(self.node_receiver)


def plain(loss: float = 0.0) -> RadioModel:
    """An air that knows no distance: frames of a channel and data rate that overlap are lost, and a share by chance.

    Nodes need not be placed in it.
    """
    return RadioModel(
        path_loss="everywhere",
        shadowing_db=0.0,
        fading_db=0.0,
        interference="aloha",
        loss_up=loss,
        loss_down=loss,
    )
