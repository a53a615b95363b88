"""Who takes part: nodes, gateways, and the links between those that are in each other's reach.

A link's loss is that of its distance and its shadowing, drawn once for all from a stream of the link's own name. A
node keeps only the links over which anything can come, the least loss first: whoever sends stops at the first one over
which nobody can read it, so a frame costs what its surroundings cost, however large the town is. Whether it disturbs a
gateway beyond that is asked only if that one has to judge a frame that met it.
"""

import math
from collections.abc import Callable

from simulator.air.decibels import DRAWS, cdb, spread
from simulator.air.fates import Tally
from simulator.air.interface import Hear, Listener
from simulator.air.model import Bursts, RadioModel
from simulator.air.path_loss import Everywhere, path_loss_named
from simulator.air.position import ORIGIN, Position
from simulator.air.receivers import receiver_named
from simulator.air.station import Kind, Station
from simulator.streams import Stream

SILENT_CDB = 1000  # what arrives further below the sensitivity disturbs nobody: rules bear 6 dB less, or 1
FOREVER = 1 << 62  # µs
_STRONGEST_CDBM = 3000  # EIRP of the loudest thing in the band: 27 dBm ERP are 29.15


class Party:
    """A node or a gateway as faults see it. loss_cdb: what its antenna or its place costs, both ways."""

    def __init__(self, name: str, loss_cdb: int) -> None:
        self.name = name
        self.loss_cdb = loss_cdb
        self.keeps_up = self.keeps_down = 1.0  # shares of its frames that are not lost by chance
        self._lost_up: list[float] = []
        self._lost_down: list[float] = []

    def lose(self, share: float, up: bool, down: bool) -> None:
        """Let a share of its frames be lost from now on, besides others."""
        if up:
            self._lost_up.append(share)
        if down:
            self._lost_down.append(share)
        self._recount()

    def recover(self, share: float, up: bool, down: bool) -> None:
        """The opposite of a `lose` with the same values."""
        if up:
            self._lost_up.remove(share)
        if down:
            self._lost_down.remove(share)
        self._recount()

    def _recount(self) -> None:
        self.keeps_up = math.prod(1 - share for share in self._lost_up)
        self.keeps_down = math.prod(1 - share for share in self._lost_down)


class Jam:
    """Noise at a gateway's antenna. freq_hz: None for all. until_us: None as long as it lasts."""

    def __init__(self, freq_hz: int | None, level_cdbm: int, from_us: int) -> None:
        self.freq_hz = freq_hz
        self.level_cdbm = level_cdbm
        self.from_us = from_us
        self.until_us: int | None = None

    def drowns(self, freq_hz: int, start_us: int, end_us: int, level_cdbm: int, least_cdb: int) -> bool:
        """Whether it is on while a frame is, and leaves it less than the least ratio to noise."""
        if self.freq_hz not in (None, freq_hz) or end_us <= self.from_us:
            return False
        if self.until_us is not None and start_us >= self.until_us:
            return False
        return level_cdbm - self.level_cdbm < least_cdb


class Gateway(Party):
    """A gateway's radio.

    ears: who listens to it, by frequency and data rate. busy: demodulators that have a frame. off_until_us: when it had
    power again, FOREVER while it has none. deaf_until_us: the same, or when it ends to send if that is later.
    """

    def __init__(self, number: int, name: str, hear: Hear, station: Station) -> None:
        super().__init__(name, 0)
        self.number = number
        self.hear = hear
        self.station = station
        self.gain_cdb = cdb(station.gain_dbi)
        self.demodulators = 1 if station.kind is Kind.BRIDGE else station.demodulators
        self.busy = 0
        self.off_until_us = 0
        self.deaf_until_us = 0
        self.jams: list[Jam] = []
        self.ears: dict[tuple[int, int], dict[Listener, Link]] = {}
        self.tally = Tally()
        self.heard_before = 0  # uplinks that ended before it was there
        self._tuned: dict[tuple[int, int], bool] = {}

    def hears(self, freq_hz: int, dr: int) -> bool:
        """Whether it listens to that channel at that data rate."""
        tuned = self._tuned.get((freq_hz, dr))
        if tuned is None:
            tuned = self._tuned[freq_hz, dr] = self.station.hears(freq_hz, dr)
        return tuned


class Node(Party):
    """A node's radio.

    links: by the gateway's number, the least loss first; None until they are needed. dice: of its uplinks; its
    downlinks have their own.
    """

    def __init__(self, number: int, name: str, position: Position, loss_cdb: int, seed: int) -> None:
        super().__init__(name, loss_cdb)
        self.number = number
        self.position = position
        self.links: dict[int, Link] | None = None
        self.dice = Stream(seed, f"uplinks/{name}")
        self._seed = seed
        self._down_dice: Stream | None = None

    @property
    def down_dice(self) -> Stream:
        """Made when there is a downlink: most nodes hear few, and a stream takes 2.5 kB."""
        if self._down_dice is None:
            self._down_dice = Stream(self._seed, f"downlinks/{self.name}")
        return self._down_dice


class Link:
    """What lies between a node and a gateway. up_cdb, down_cdb: loss without what either's own antenna costs."""

    __slots__ = ("burst", "down_cdb", "gateway", "node", "up_cdb")

    def __init__(self, node: Node, gateway: Gateway, loss_cdb: int, burst: "Burst | None") -> None:
        self.node = node
        self.gateway = gateway
        self.up_cdb = loss_cdb - gateway.gain_cdb
        self.down_cdb = loss_cdb
        self.burst = burst


class Burst:
    """The phases of one link. Each is drawn from a stream of its own, so that none has to be kept for each link."""

    __slots__ = ("_bad", "_bursts", "_name", "_phase", "_seed", "_until_us")

    def __init__(self, bursts: Bursts, seed: int, name: str) -> None:
        self._bursts = bursts
        self._seed = seed
        self._name = name
        self._phase = 0
        dice = self._dice()
        self._bad = dice.chance(bursts.bad_s / (bursts.good_s + bursts.bad_s))
        self._until_us = self._lasts_us(dice)

    def strikes(self, now_us: int, draw: Callable[[], float]) -> bool:
        """Whether a frame that begins now is lost to a bad phase; draws in one only. Times must not go back."""
        while self._until_us <= now_us:
            self._phase += 1
            self._bad = not self._bad
            self._until_us += self._lasts_us(self._dice())
        return self._bad and draw() < self._bursts.loss

    def _dice(self) -> Stream:
        return Stream(self._seed, f"burst/{self._name}/{self._phase}")

    def _lasts_us(self, dice: Stream) -> int:
        mean_s = self._bursts.bad_s if self._bad else self._bursts.good_s
        return int(1_000_000 * dice.exponential(mean_s))


class Parties:
    """All nodes and gateways of a run, and the links between them."""

    def __init__(self, model: RadioModel, seed: int) -> None:
        self.model = model
        self.nodes: dict[str, Node] = {}
        self.gateways: dict[str, Gateway] = {}
        self.fades = spread(model.fading_db)
        self._seed = seed
        self._path_loss = path_loss_named(model.path_loss)
        self._shadows = spread(model.shadowing_db)
        receivers = receiver_named(model.gateway_receiver), receiver_named(model.node_receiver)
        weakest = min(min(receiver.sensitivity_cdbm) for receiver in receivers)
        self._reach_cdb = _STRONGEST_CDBM + self.fades[-1] - weakest + SILENT_CDB

    def add_gateway(self, name: str, hear: Hear, station: Station) -> Gateway:
        """A gateway comes; all links are made anew."""
        gateway = self.gateways[name] = Gateway(len(self.gateways), name, hear, station)
        for node in self.nodes.values():
            node.links = None
        return gateway

    def add_node(self, name: str, position: Position, loss_db: float) -> Node:
        """A node comes."""
        node = self.nodes[name] = Node(len(self.nodes), name, position, cdb(loss_db), self._seed)
        return node

    def node(self, name: str) -> tuple[Node, dict[int, "Link"]]:
        """The node of that name and its links.

        Raises LookupError for one that stands nowhere, unless distance does not count.
        """
        node = self.nodes.get(name)
        if node is None and isinstance(self._path_loss, Everywhere):
            node = self.add_node(name, ORIGIN, 0.0)
        elif node is None:
            raise LookupError(f"nobody said where {name} stands; place it on the air before it sends or listens")
        if node.links is None:
            links = [self._link(node, gateway) for gateway in self.gateways.values()]
            nearest = sorted((link for link in links if link), key=lambda link: link.up_cdb)
            node.links = {link.gateway.number: link for link in nearest}
        return node, node.links

    def party(self, name: str) -> Party:
        """The gateway or node of that name. Raises LookupError if there is none."""
        party = self.gateways.get(name) or self.nodes.get(name)
        if party is None:
            raise LookupError(f"there is no gateway or node called {name} on the air")
        return party

    def _link(self, node: Node, gateway: Gateway) -> Link | None:
        """None: they are out of each other's reach, whatever is sent."""
        here, there = node.position, gateway.station.position
        across = (here.x_m - there.x_m) ** 2 + (here.y_m - there.y_m) ** 2
        distance_m = math.sqrt(across + (here.height_m - there.height_m) ** 2)
        loss_cdb = cdb(self._path_loss.loss_db(distance_m, there.height_m, here.height_m))
        reach_cdb = self._reach_cdb + max(0, gateway.gain_cdb)
        if loss_cdb + self._shadows[0] > reach_cdb:
            return None
        name = f"{node.name}/{gateway.name}"
        loss_cdb += self._shadows[Stream(self._seed, f"shadow/{name}").below(DRAWS)]
        if loss_cdb > reach_cdb:
            return None
        bursts = self.model.bursts
        return Link(node, gateway, loss_cdb, None if bursts is None else Burst(bursts, self._seed, name))
