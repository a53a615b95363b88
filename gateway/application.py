"""The application behind the network server: what the town's nodes tell becomes records, what it orders is obeyed.

Composed of rooms that do not know each other: the intake reads, the desk keeps orders, resending asks for what is
missing, silence watches who is not heard, lighting plans what lamps do and has them told. It decides and returns;
whoever runs it commits, sends and tells the time.
"""

from collections.abc import Iterable

from gateway.lighting import notices
from gateway.lighting.lighting import Lighting
from gateway.lighting.truth import LampTruth
from gateway.network.application import Answer, DeviceLog, Uplink
from gateway.network.events import Alarm, Downlink, Fate, Reason, Refused
from gateway.network.registration import Group, Registration, Role
from gateway.orders.desk import Given, OrderDesk, Receipted
from gateway.orders.request import GATEWAY, OrderError, OrderRequest
from gateway.orders.targets import Targets
from gateway.readings import content
from gateway.readings.intake import Heard, Intake
from gateway.readings.node_log import NodeLog
from gateway.readings.record import Kind, Record, own_record
from gateway.readings.resending import EXPIRES_IN_S, Resending
from gateway.readings.silence import Silence
from gateway.store.writes import AddRecord, KeepFault, KeepOrder, KeepOutage, Write
from protocol.errors import ProtocolError
from protocol.orders import F_PORT_ORDERS


class TownApplication:
    """Implements `gateway.network.application.Application`.

    boot: number of this boot of the gateway. devices, groups: all that are registered. heard_before: rows of those
    devices of which something was heard before. orders: the store's, oldest first; next_order: above all their ids.
    resend: whether nodes are asked for what is missing. lighting: None: of a town that plans nothing.
    """

    def __init__(
        self,
        boot: int,
        devices: Iterable[Registration] = (),
        groups: Iterable[Group] = (),
        heard_before: Iterable[int] = (),
        orders: Iterable[KeepOrder] = (),
        next_order: int = 1,
        now_ms: int = 0,
        resend: bool = True,
        lighting: Lighting | None = None,
    ) -> None:
        self.lighting = Lighting() if lighting is None else lighting
        self._boot = boot
        self._lamps: LampTruth | None = None
        self._absorbed: set[int] = set()  # silent lamps for which their feeder answers
        self._resend = resend
        self._targets = Targets(devices, groups)
        self._intake = Intake(boot)
        self._desk = OrderDesk(self._targets, boot, orders, next_order, now_ms)
        known = (self._targets.device(device) for device in heard_before)
        self._silence = Silence([registration for registration in known if registration], now_ms)
        self._resending = Resending()
        self._offset_ms: int | None = None

    def judge_lamps(self, lamps: LampTruth) -> None:
        """From now on somebody judges what lamps really do."""
        self._lamps = lamps

    # As the network server sees it.

    def first_log(self, text: str | None) -> DeviceLog:
        """What is known of a device's log; of one that was never heard, or cannot be read, its status will tell."""
        return NodeLog.from_text(text)

    def hear(self, uplink: Uplink, log: DeviceLog) -> Answer:
        """What an uplink means, with what is to be sent in its windows."""
        assert isinstance(log, NodeLog)
        registration = uplink.registration
        now_ms = uplink.received_ms
        self.set_clock(uplink.offset_ms)
        if registration.role is Role.FOREIGN:
            heard = Heard(self._intake.raw(uplink))
        elif uplink.f_port == F_PORT_ORDERS:
            heard = Heard(self._receipt(uplink, log))
        else:
            heard = self._intake.hear(uplink, log)
        answer = heard.answer
        if registration.role is Role.LIGHT or self.lighting.cares_for(registration.dev_eui):
            answer = self._light_up(uplink, answer)
        if self._lamps is not None:
            answer = self._judge_lamps(self._lamps, uplink, heard, answer)
        silent_ms = self._silence.heard(registration, heard.gap_s, now_ms)
        if registration.device in self._absorbed:
            self._absorbed.discard(registration.device)
            silent_ms = None
        if silent_ms is not None:
            back = content.notice("back", silent_s=silent_ms // 1000)
            answer = _and(answer, writes=(AddRecord(self._intake.notice(uplink, back)),))
        if registration.role is Role.FOREIGN:
            return answer
        answer = _and(answer, downlinks=self._desk.heard(registration.dev_eui, now_ms))
        return self._ask(uplink, log, heard, answer)

    def stumbled(self, uplink: Uplink, detail: str) -> Answer:
        """Keep aside what could not be heard by a mistake of ours, and tell of it."""
        aside = self._intake.quarantine(uplink, Reason.FAULT, detail)
        alarm = Alarm(name="frame_failed", dev_eui=uplink.registration.dev_eui, detail=detail)
        return _and(aside, notes=(alarm,))

    def fate(self, fate: Fate, now_ms: int) -> Answer:
        """What became of a downlink it asked for."""
        answer = self._desk.fate(fate, now_ms)
        self._settle(now_ms)
        return answer

    def wake_at(self) -> int | None:
        """When it wants to be asked again."""
        wake_ms = self._desk.wake_at()
        lamps_ms = None if self._lamps is None else self._lamps.wake_at()
        for at_ms in (self._silence.wake_at(), self.lighting.wake_at(), lamps_ms):
            if at_ms is not None and (wake_ms is None or at_ms < wake_ms):
                wake_ms = at_ms
        return wake_ms

    def wake(self, now_ms: int) -> Answer:
        """What is due: orders to send again or to end, lamps to be told something, nodes that have fallen silent."""
        answer = self._desk.wake(now_ms)
        self._settle(now_ms)
        answer = self._light(answer, now_ms)
        writes: list[Write] = []
        notes: list[Refused | Alarm] = []
        for registration, silent_ms, interval_ms in self._silence.wake(now_ms):
            if self._lamps is not None and self._excused(self._lamps, registration, now_ms):
                continue
            said = content.notice("silent", silent_s=silent_ms // 1000, interval_s=interval_ms // 1000)
            writes.append(AddRecord(self._notice(registration, said, now_ms)))
            detail = f"not heard for {silent_ms // 1000} s; it speaks every {interval_ms // 1000} s"
            notes.append(Alarm(name="silent", dev_eui=registration.dev_eui, detail=detail, recorded=True))
        if self._lamps is not None:
            writes += self._lamps.wake(now_ms, self._offset_ms)
        return _and(answer, writes=tuple(writes), notes=tuple(notes)) if writes else answer

    # As everybody else sees it.

    def set_clock(self, offset_ms: int | None) -> None:
        """Unix ms is monotonic ms plus that; None: nobody knows yet. Uplinks tell it, too."""
        if offset_ms != self._offset_ms:
            self._offset_ms = offset_ms
            self._desk.set_clock(offset_ms)
            self.lighting.set_clock(offset_ms)

    def give(self, request: OrderRequest, now_ms: int) -> Given:
        """Take an order in. Raises OrderError, a sentence for who gave it. Commit it before it is sent: see `Given`."""
        given = self._desk.give(request, now_ms)
        self.lighting.ordered(request, given.ids[0], now_ms)
        return given

    def cancel(self, order_id: int, now_ms: int) -> tuple[Answer, int | None]:
        """Send an order no more; the second is the ref of a downlink to `Cancel`. Raises OrderError."""
        return self._desk.cancel(order_id, now_ms)

    def withdraw(self, order_ids: Iterable[int]) -> None:
        """These orders, just given, could not be kept: they never were."""
        self._desk.withdraw(order_ids)

    def commits_failed(self, now_ms: int) -> None:
        """Commits failed: what was decided on them is written again. Logs are put back by the network server."""
        self._desk.commits_failed(now_ms)
        self.lighting.commits_failed()
        if self._lamps is not None:
            self._lamps.commits_failed()

    def silent(self) -> int:
        """How many nodes are silent now; lamps for which their feeder answers are not counted."""
        return self._silence.silent() - len(self._absorbed)

    def set_device(self, registration: Registration) -> None:
        """A device was registered or changed."""
        self._targets.set_device(registration)
        self.lighting.set_device(registration)

    def drop_device(self, registration: Registration) -> None:
        """A device was removed."""
        self._targets.drop_device(registration.device)
        self._silence.forget(registration.dev_eui)
        self._absorbed.discard(registration.device)
        if self._lamps is not None:
            self._lamps.forget(registration.device)
        self._resending.forget(registration.dev_eui)
        self.lighting.drop_device(registration.dev_eui)

    def set_group(self, group: Group) -> None:
        """A multicast group was made or changed."""
        self._targets.set_group(group)
        self.lighting.set_group(group)

    # Within.

    def _excused(self, lamps: LampTruth, registration: Registration, now_ms: int) -> bool:
        """Whether a node's silence is not to be told, since its feeder answers for it or has no power by day."""
        if lamps.fell_silent(registration.device, now_ms):
            self._absorbed.add(registration.device)
            return True
        power_ms = lamps.power_ms(registration.device, now_ms, self._offset_ms)
        if power_ms is None:
            return False
        self._silence.excuse(registration.dev_eui, power_ms)
        return True

    def _judge_lamps(self, lamps: LampTruth, uplink: Uplink, heard: Heard, answer: Answer) -> Answer:
        """What the uplink of a lamp says of it; anybody else's, that the radio works."""
        registration = uplink.registration
        if registration.role is not Role.LIGHT:
            lamps.other(uplink.received_ms)
            return answer
        records = [write.record for write in answer.writes if isinstance(write, AddRecord)]
        try:
            found = lamps.heard(registration.device, heard.gap_s, records, uplink.received_ms, uplink.offset_ms)
        except Exception as error:  # a mistake of ours in judging a reading must not cost the reading
            detail = f"what a lamp told could not be judged ({type(error).__name__}: {error}); report this"
            return _and(answer, notes=(Alarm(name="lamp_not_judged", dev_eui=registration.dev_eui, detail=detail),))
        if not found:
            return answer
        urgent = any(isinstance(write, KeepFault | KeepOutage) for write in found)
        return answer._replace(writes=(*answer.writes, *found), at_once=answer.at_once or urgent)

    def _light_up(self, uplink: Uplink, answer: Answer) -> Answer:
        """Let lighting hear what is new in an uplink: lamps, arrivals, darkness."""
        records = [write.record for write in answer.writes if isinstance(write, AddRecord)]
        try:
            kept = self.lighting.hear(uplink, records, uplink.received_ms)
        except Exception as error:  # a mistake of ours in lighting must not cost the reading
            return _and(answer, notes=(_lighting_failed(error, uplink.registration.dev_eui),))
        return _and(answer, writes=tuple(kept))

    def _light(self, answer: Answer, now_ms: int) -> Answer:
        """Give the orders that lighting wants given."""
        try:
            asks = self.lighting.look(now_ms)
        except Exception as error:  # nor end the gateway again and again
            self.lighting.rest(now_ms)
            return _and(answer, notes=(_lighting_failed(error, None),))
        hushed = [self._desk.hush(order_id) for order_id in self.lighting.scenes.superseded()]
        answer = _and(answer, cancels=tuple(ref for ref in hushed if ref is not None))
        for ask in asks:
            try:
                given = self._desk.give(ask.request, now_ms)
            except OrderError:
                self.lighting.asked(ask, (), now_ms)  # too many are under way: it asks again
                continue
            self.lighting.asked(ask, given.ids, now_ms)
            answer = _and(answer, given.answer.writes, given.answer.downlinks)
        said = [notices.held(news) for news in self.lighting.holding.news()]
        said += [notices.followed(report) for report in self.lighting.scenes.reports()]
        boot = self._boot if self._offset_ms is None else None
        at_ms = now_ms + (self._offset_ms or 0)
        return _and(answer, writes=tuple(AddRecord(own_record(Kind.NOTICE, each, at_ms, boot)) for each in said))

    def _receipt(self, uplink: Uplink, log: NodeLog) -> Answer:
        try:
            receipted = self._desk.receipt(uplink)
        except ProtocolError as error:
            return self._intake.quarantine(uplink, Reason.UNREADABLE_PAYLOAD, str(error))
        answer = self._too_old(uplink, log, receipted)
        if receipted.order is not None:
            dev_eui = uplink.registration.dev_eui
            kept = self.lighting.answered(
                dev_eui, receipted.order.id, receipted.outcome, receipted.detail, uplink.received_ms
            )
            answer = _and(answer, writes=tuple(kept))
        self._settle(uplink.received_ms)
        return answer

    def _too_old(self, uplink: Uplink, log: NodeLog, receipted: Receipted) -> Answer:
        """A node that was asked for older records than it has says from where on it has some."""
        order, oldest = receipted.order, receipted.detail
        if order is None or order.source != GATEWAY or oldest is None or not log.sure or oldest > log.next_seq:
            return receipted.answer
        gone = [(gap.first, min(gap.end, oldest)) for gap in log.gaps if gap.first < oldest]
        if not gone:
            return receipted.answer
        lost = self._intake.give_up(uplink, log, gone, f"the node's log begins at {oldest} now")
        return Answer(
            receipted.answer.writes + lost.writes,
            log.without(0, oldest),
            notes=receipted.answer.notes + lost.notes,
            at_once=True,
        )

    def _ask(self, uplink: Uplink, log: NodeLog, heard: Heard, answer: Answer) -> Answer:
        """Have the node asked for what it must tell again, if it is time."""
        if not self._resend:
            return answer
        dev_eui = uplink.registration.dev_eui
        after = log if answer.log is None else answer.log
        assert isinstance(after, NodeLog)
        now_ms = uplink.received_ms
        clock_ms = None
        if after.boot == self._boot:
            clock_ms = now_ms
        elif after.boot is None and uplink.offset_ms is not None:
            clock_ms = now_ms + uplink.offset_ms
        ask = self._resending.heard(dev_eui, after, heard.rows, heard.newest16, now_ms, heard.oldest, clock_ms)
        if ask is None:
            return answer
        request = OrderRequest(
            target=uplink.registration,
            verb="resend",
            arguments={"first_seq": ask.first16, "count": ask.numbers},
            expires_in_s=EXPIRES_IN_S,
            source=GATEWAY,
        )
        try:
            given = self._desk.give(request, uplink.received_ms)
        except OrderError:
            return answer  # too many are under way, or the time is not known: asked again with a later uplink
        self._resending.asked(dev_eui, ask, given.ids[0], uplink.received_ms)
        notes: tuple[Alarm, ...] = ()
        if not after.sure:
            detail = "its log may be another than is known here: asked for its status, before which nothing is taken"
            notes = (Alarm(name="log_in_doubt", dev_eui=dev_eui, detail=detail),)
        return _and(answer, given.answer.writes, given.answer.downlinks, notes)

    def _settle(self, now_ms: int) -> None:
        """Tell resending and lighting which of their orders are over."""
        for order in self._desk.ended:
            self.lighting.ended(order.id, now_ms)
            registration = None if order.target_device is None else self._targets.device(order.target_device)
            if registration is not None:
                self._resending.ended(registration.dev_eui, order.id, now_ms)
        self._desk.ended.clear()

    def _notice(self, registration: Registration, said: bytes, now_ms: int) -> Record:
        boot = self._boot if self._offset_ms is None else None
        return own_record(Kind.NOTICE, said, now_ms + (self._offset_ms or 0), boot, registration.device)


def _lighting_failed(error: Exception, dev_eui: bytes | None) -> Alarm:
    detail = f"lamps are not told what they should do ({type(error).__name__}: {error}); report this"
    return Alarm(name="lighting_failed", dev_eui=dev_eui, detail=detail)


def _and(
    answer: Answer,
    writes: tuple[Write, ...] = (),
    downlinks: tuple[Downlink, ...] = (),
    notes: tuple[Refused | Alarm, ...] = (),
    cancels: tuple[int, ...] = (),
) -> Answer:
    """*answer* with more; what is written and sent beside it must not wait."""
    if not (writes or downlinks or notes or cancels):
        return answer
    return Answer(
        answer.writes + writes,
        answer.log,
        answer.downlinks + downlinks,
        answer.notes + notes,
        answer.at_once or bool(downlinks),
        answer.records,
        answer.cancels + cancels,
    )
