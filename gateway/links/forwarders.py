"""The packet forwarders of one UDP socket: who is heard, where its downlinks go, what became of them. A pure core.

GWMP knows no authentication: whoever knows an EUI can send its PULL_DATA, and an address that follows the newest one
blindly hands over the downlinks. The rule here: *the holder keeps them while it is alive.*

- The first PULL_DATA of an allowed EUI makes its address the holder.
- The same IP address with another port takes over at once: a forwarder was restarted, or the NAT gave it a new port.
- Another IP address takes over only when the holder has been silent for three keepalives. A forwarder that really
  moved (a new address of its mobile network) stops being heard at the old one, so it waits 30 s; a thief, while the
  true one speaks, waits for ever. Each such attempt is counted, and told at most once a minute.
- A restart of ours changes nothing of that: who held the downlinks before is remembered (`Holds`), and keeps them
  though it has not been heard yet. Another IP address has to ask for five minutes first, which lets a cabinet boot
  after a power cut; whoever moved just then goes without downlinks for so long.
- A network given for an EUI in the configuration is stronger: from elsewhere nothing of it is heard at all. Only this
  keeps out a thief who was there first, or while the true one was away for longer; and who can send from the
  forwarder's own address nothing keeps out: that takes a tunnel, or a forwarder on the same machine.

Frames are taken from any address the networks allow: their MIC protects them, and a thief gains nothing.
TX_ACK counts only with the token of a downlink under way and from the IP address that it was sent to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from types import MappingProxyType

from gateway.links import semtech
from gateway.links.link import Heard, Outcome, RadioReport, Transmit, TransmitResult
from protocol.errors import FrameError

Address = tuple[str, int] | tuple[str, int, int, int]  # as sockets give it, IPv4 or IPv6
Network = IPv4Network | IPv6Network

# The forwarder's keepalive is 10 s unless its owner changes it. One lost datagram, or two, is no outage; and a NAT
# forgets a silent UDP flow after 30 s or more, so that what is sent later would not arrive anyway.
SILENT_MS = 30_000
# After a start of ours: a forwarder that lost its power with us boots for a minute or two, and then finds its network.
RETURN_MS = 300_000
# The forwarder answers a PULL_RESP when it has queued it, not when it was sent: a matter of milliseconds, and of up to
# a second over a bad mobile network.
TX_ACK_MS = 2_000
MAX_PENDING = 64  # per forwarder, twice what the forwarder itself can queue (JIT_QUEUE_MAX is 32)
MAX_STRANGERS = 64  # EUIs not in the list that are counted one by one; the others together
CONFLICT_MS = 60_000  # between two reports that somebody wants the downlinks of one EUI
REPORT_MS = 300_000  # between two reports of what was turned away: a flood must not fill the log

_EVERYDAY = ("datagrams", "bad_crc", "unsupported")


@dataclass(frozen=True, slots=True)
class Send:
    """Send this datagram to that address."""

    datagram: bytes
    address: Address


@dataclass(frozen=True, slots=True)
class Holds:
    """Remember beyond a restart that the downlinks of *eui* go to this IP address."""

    eui: bytes
    ip: str


Effect = Send | Holds | Heard


@dataclass(slots=True)
class _Forwarder:
    eui: bytes
    radio: str
    network: Network | None
    awaited: str | None  # the IP address that held it before the start, until somebody does
    asked_ms: int | None = None  # when another began to ask meanwhile
    holder: Address | None = None  # where PULL_DATA comes from
    pulled_ms: int = 0  # the last from there
    version: int = 2
    online: bool = False
    mute_told: bool = False  # that it pushes without pulling
    conflicts: int = 0
    conflict_told_ms: int | None = None
    pending: "dict[bytes, _Pending]" = field(default_factory=dict)  # by the token on the wire


@dataclass(slots=True)
class _Pending:
    token: int
    ip: str
    until_ms: int


class Forwarders:
    """allowed: the EUIs (8 bytes as printed) that may speak, each with the network it has to speak from, or None.

    random_token: a new number 0..65535 for each call, which a stranger cannot guess.
    held: the IP addresses that `Holds` told before the start, by EUI.
    Raises ValueError when nobody is allowed: an open socket is never the default.
    """

    def __init__(
        self,
        allowed: Mapping[bytes, Network | None],
        random_token: Callable[[], int],
        held: Mapping[bytes, str] = MappingProxyType({}),
    ) -> None:
        if not allowed:
            raise ValueError(
                "no gateway EUI is allowed on the UDP link; expected at least one, as the forwarder's own "
                "configuration (gateway_ID) has it: without a list anybody could send frames and take downlinks"
            )
        self._forwarders = {
            eui: _Forwarder(eui, semtech.radio_name(eui), net, held.get(eui)) for eui, net in allowed.items()
        }
        self._by_radio = {forwarder.radio: forwarder for forwarder in self._forwarders.values()}
        self._random_token = random_token
        self._strangers: dict[bytes, int] = {}
        self._counts = dict.fromkeys(
            (
                "datagrams",
                "malformed",
                "strangers",
                "elsewhere",
                "conflicts",
                "bad_crc",
                "unsupported",
                "unread",
                "overflow",
            ),
            0,
        )
        self._told_counts: tuple[int, ...] = ()
        self._told_ms: int | None = None
        self._error = ""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many since start, by name.

        datagrams: all of them. malformed: not GWMP. strangers: of an EUI that is not allowed. elsewhere: from outside
        the EUI's network. conflicts: PULL_DATA that did not get an EUI's downlinks. bad_crc, unsupported, unread:
        rxpk as in `semtech.Push`. overflow: what the link had no room for.
        """
        return self._counts

    def overflowed(self, total: int) -> None:
        """The link has dropped *total* of what was heard since start; the next report tells."""
        if total != self._counts["overflow"]:
            self._counts["overflow"] = total
            self._error = f"{total} frames were dropped: they come faster than this gateway takes them"

    @property
    def strangers(self) -> Mapping[bytes, int]:
        """How often each EUI that is not allowed was heard; the first MAX_STRANGERS of them."""
        return self._strangers

    def handle(self, datagram: bytes, address: Address, now_ms: int) -> list[Effect]:
        """A datagram came from *address*; its acknowledgement is the first effect, before what it says."""
        self._counts["datagrams"] += 1
        try:
            opened = semtech.parse(datagram)
        except semtech.DatagramError as error:
            self._counts["malformed"] += 1
            self._error = f"{error} (from {address[0]})"
            return []
        forwarder = self._forwarders.get(opened.eui)
        if forwarder is None:
            self._strange(opened.eui)
            return []
        if forwarder.network is not None and not _inside(address[0], forwarder.network):
            self._counts["elsewhere"] += 1
            self._error = f"{forwarder.radio} was heard from {address[0]}, outside {forwarder.network}"
            return []
        if opened.kind == semtech.PUSH_DATA:
            return self._push(forwarder, opened, address)
        if opened.kind == semtech.PULL_DATA:
            return self._pull(forwarder, opened, address, now_ms)
        return self._tx_ack(forwarder, opened, address)

    def transmit(self, transmit: Transmit, now_ms: int) -> list[Effect]:
        """Ask the forwarder of *transmit*.radio to send; the one TransmitResult comes now or later."""
        forwarder = self._by_radio.get(transmit.radio)
        if forwarder is None or forwarder.holder is None or not forwarder.online:
            return [TransmitResult(token=transmit.token, outcome=Outcome.LINK_DOWN)]
        if len(forwarder.pending) >= MAX_PENDING:
            return [TransmitResult(token=transmit.token, outcome=Outcome.COLLISION)]  # what a full queue answers
        wire_token = self._random_token()
        while (token := wire_token.to_bytes(2, "big")) in forwarder.pending:
            wire_token = (wire_token + 1) & 0xFFFF
        try:
            datagram = semtech.pull_resp(forwarder.version, token, transmit)
        except FrameError:
            return [TransmitResult(token=transmit.token, outcome=Outcome.TX_FREQ)]
        sent: list[Effect] = [Send(datagram, forwarder.holder)]
        if forwarder.version == 1:  # knows no TX_ACK, so nothing is worth waiting for
            sent.append(TransmitResult(token=transmit.token, outcome=Outcome.NO_ANSWER))
        else:
            forwarder.pending[token] = _Pending(transmit.token, forwarder.holder[0], now_ms + TX_ACK_MS)
        return sent

    def wake_at(self) -> int | None:
        """When the next forwarder falls silent, answer is overdue, or report of counts is due."""
        times = [forwarder.pulled_ms + SILENT_MS for forwarder in self._forwarders.values() if forwarder.online]
        times += [pending.until_ms for forwarder in self._forwarders.values() for pending in forwarder.pending.values()]
        if self._news():
            times.append(0 if self._told_ms is None else self._told_ms + REPORT_MS)
        return min(times, default=None)

    def wake(self, now_ms: int) -> list[Effect]:
        """Do what is due at *now_ms*."""
        effects: list[Effect] = []
        for forwarder in self._forwarders.values():
            for token in [token for token, pending in forwarder.pending.items() if now_ms >= pending.until_ms]:
                pending = forwarder.pending.pop(token)
                effects.append(TransmitResult(token=pending.token, outcome=Outcome.NO_ANSWER))
            if forwarder.online and now_ms - forwarder.pulled_ms >= SILENT_MS:
                forwarder.online = False
                effects.append(_report(forwarder, f"no PULL_DATA for {SILENT_MS // 1000} s: its downlinks wait"))
        if self._news() and (self._told_ms is None or now_ms - self._told_ms >= REPORT_MS):
            effects.append(self._tell(now_ms))
        return effects

    def close(self) -> list[Effect]:
        """Every downlink under way gets its result: it may have gone out."""
        effects: list[Effect] = []
        for forwarder in self._forwarders.values():
            effects += [
                TransmitResult(token=pending.token, outcome=Outcome.NO_ANSWER) for pending in forwarder.pending.values()
            ]
            forwarder.pending.clear()
            forwarder.online = False
        return effects

    def _push(self, forwarder: _Forwarder, opened: semtech.Datagram, address: Address) -> list[Effect]:
        effects: list[Effect] = [Send(semtech.ack(opened), address)]
        push = semtech.read_push(opened.body, forwarder.radio)
        effects += push.frames
        if push.bad_crc or push.unsupported or push.malformed:
            self._counts["bad_crc"] += push.bad_crc
            self._counts["unsupported"] += push.unsupported
            self._counts["unread"] += push.malformed
            if push.malformed:
                self._error = f"{forwarder.radio}: {push.error}"
        if push.figures is not None:
            detail = ""
            if not forwarder.online and not forwarder.mute_told:
                forwarder.mute_told = True
                detail = "sends frames but no PULL_DATA, so it cannot be given downlinks"
            effects.append(_report(forwarder, detail, push.figures))
        return effects

    def _pull(self, forwarder: _Forwarder, opened: semtech.Datagram, address: Address, now_ms: int) -> list[Effect]:
        effects: list[Effect] = [Send(semtech.ack(opened), address)]
        before = forwarder.awaited if forwarder.holder is None else forwarder.holder[0]
        if address[0] != before:
            if before is not None and _keeps(forwarder, now_ms):
                return effects + self._conflict(forwarder, address, before, now_ms)
            effects.append(Holds(forwarder.eui, address[0]))
        forwarder.holder, forwarder.awaited = address, None
        forwarder.pulled_ms = now_ms
        forwarder.version = opened.version
        moved = before is not None and before != address[0]
        if not forwarder.online:
            forwarder.online = True
            forwarder.mute_told = False
            detail = f"is there, at {address[0]} port {address[1]}, GWMP {opened.version}"
            effects.append(_report(forwarder, f"{detail}; it was at {before} before" if moved else detail))
        elif moved:
            effects.append(_report(forwarder, f"has moved from {before} to {address[0]}"))
        return effects

    def _conflict(self, forwarder: _Forwarder, address: Address, holder_ip: str, now_ms: int) -> list[Effect]:
        self._counts["conflicts"] += 1
        forwarder.conflicts += 1
        told_ms = forwarder.conflict_told_ms
        if told_ms is not None and now_ms - told_ms < CONFLICT_MS:
            return []
        forwarder.conflict_told_ms = now_ms
        if forwarder.holder is None:
            detail = (
                f"PULL_DATA of this gateway comes from {address[0]}, and {holder_ip} had its downlinks before the "
                f"start and is waited for, {RETURN_MS // 60_000} minutes: a forwarder that moved, or someone who wants "
                "them"
            )
        else:
            detail = (
                f"PULL_DATA of this gateway comes from {address[0]} too, while {holder_ip} is alive and keeps "
                "the downlinks: two forwarders with one EUI, or someone who wants them"
            )
        return [_report(forwarder, detail, (("pull_conflicts", float(forwarder.conflicts)),))]

    def _tx_ack(self, forwarder: _Forwarder, opened: semtech.Datagram, address: Address) -> list[Effect]:
        pending = forwarder.pending.get(opened.token)
        if pending is None or pending.ip != address[0]:
            return []  # late, a duplicate, or a guess
        del forwarder.pending[opened.token]
        outcome, detail = semtech.read_tx_ack(opened.body)
        effects: list[Effect] = [TransmitResult(token=pending.token, outcome=outcome)]
        if detail:
            effects.append(_report(forwarder, f"says of a downlink: {detail}"))
        return effects

    def _strange(self, eui: bytes) -> None:
        self._counts["strangers"] += 1
        if eui in self._strangers:
            self._strangers[eui] += 1
        elif len(self._strangers) < MAX_STRANGERS:
            self._strangers[eui] = 1
            self._error = f"gateway EUI {eui.hex()} is not in the list; if it is yours, add it to gateway.toml"

    def _news(self) -> bool:
        return self._troubles() != self._told_counts and any(self._troubles())

    def _troubles(self) -> tuple[int, ...]:
        """The counts that are worth a report; a frame that noise has changed is a radio's everyday life."""
        return tuple(number for name, number in self._counts.items() if name not in _EVERYDAY)

    def _tell(self, now_ms: int) -> RadioReport:
        self._told_ms = now_ms
        self._told_counts = self._troubles()
        figures = tuple((name, float(number)) for name, number in self._counts.items())
        return RadioReport(radio="udp", online=True, detail=self._error, figures=figures)


def _keeps(forwarder: _Forwarder, now_ms: int) -> bool:
    """Whether who holds the downlinks, or did before the start, keeps them from another IP address that asks."""
    if forwarder.holder is not None:
        return now_ms - forwarder.pulled_ms < SILENT_MS
    if forwarder.asked_ms is None:
        forwarder.asked_ms = now_ms
    return now_ms - forwarder.asked_ms < RETURN_MS


def _report(forwarder: _Forwarder, detail: str, figures: tuple[tuple[str, float], ...] = ()) -> RadioReport:
    return RadioReport(radio=forwarder.radio, online=forwarder.online, detail=detail, figures=figures)


def _inside(ip: str, network: Network) -> bool:
    """Whether *ip* lies in *network*; an IPv4 address on a socket for both counts as what it is."""
    address = ip_address(ip.partition("%")[0])
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address in network
