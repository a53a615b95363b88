"""Whatever is lost, doubled, cut off or asleep: every record arrives, no order is obeyed twice or too late."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firmware.actions import SetLamp
from firmware.events import TimeAnswered
from protocol.events import BAY_TAKEN, VOID
from protocol.lorawan.counters import nearest_full
from protocol.orders import DONE, IDENTIFY, RESEND, SET_LEVEL, Order, decode_receipt
from protocol.telemetry_reader import decode_event, decode_readings, decode_status
from tests.fakes.desk import BUILD_GPS_S, Desk, PuppetRole
from tests.firmware.store.disks import PowerCut

HOUR_S = 3600
KEPT = 8


class ObedientRole(PuppetRole):
    """Switches the lamp for each order; the fade names the order."""

    def order(self, order: Order, now_ms: int, gps_s: int | None, group: int | None = None) -> Any:
        return DONE, None, [SetLamp(0, 0, order.order_id)]


class Gateway:
    """What the design asks of one: it folds records by their key, and asks for the numbers it has not got."""

    def __init__(self) -> None:
        self.next_seq: int | None = None
        self.records: dict[int, object] = {}
        self.receipts: dict[int, int] = {}
        self.gone_below = 0

    def hear(self, f_port: int, payload: bytes) -> None:
        if f_port == 3:
            self.next_seq = max(self.next_seq or 0, decode_status(payload).next_seq)
        elif f_port == 4:
            receipt = decode_receipt(payload)
            self.receipts[receipt.order_id] = receipt.outcome
            if receipt.detail is not None:
                self.gone_below = max(self.gone_below, receipt.detail)
        elif f_port == 1:
            for row in decode_readings(payload).rows:
                self._keep(row.seq, ("reading", row.values))
        else:
            event = decode_event(payload)
            if event.event == VOID:
                for n in range(event.details[0]):
                    self._keep(event.seq + n & 0xFFFF, "void")
            else:
                self._keep(event.seq, (event.event, event.details))

    def missing(self) -> list[int]:
        assert self.next_seq is not None
        return [seq for seq in range(self.gone_below, self.next_seq) if seq not in self.records]

    def _keep(self, seq16: int, what: object) -> None:
        assert self.next_seq is not None, "a record came before its epoch"
        seq = nearest_full(self.next_seq, seq16)
        assert self.records.setdefault(seq, what) == what, f"{seq} said two things"
        self.next_seq = max(self.next_seq, seq + 1)


class Street(RuleBasedStateMachine):
    """One node, one gateway, and everything that can come between them."""

    @initialize(told=st.booleans(), room=st.sampled_from([36, 51, 115, 222]), delay_s=st.sampled_from([0, 0, 7, 200]))
    def begin(self, told: bool, room: int, delay_s: int) -> None:
        self.desk = Desk(told=told, make_role=ObedientRole, room=room)
        self.desk.delay_ms = delay_s * 1000
        self.desk.on_payload = self._heard  # type: ignore[method-assign]
        self.desk.on_done = self._done  # type: ignore[method-assign]
        self.gateway = Gateway()
        if told:
            self.gateway.next_seq = 0
        self.before_ms = 0  # of the runs before
        self.taken: dict[int, object] = {}
        self.obeyed: dict[int, int] = {}
        self.orders: list[Order] = []
        self.lose_up = self.lose_down = 0
        self.count = 0
        self.clocked = False

    # What the node lives through.

    @rule(value=st.integers(0, 2000), seconds=st.sampled_from([0, 1, 30, 900]))
    def read(self, value: int, seconds: int) -> None:
        self.count += 1
        values = (value & 1, self.count, value, 215, 360)
        self._live(lambda: self.desk.read(*values), ("reading", values))
        self._rest(seconds)

    @rule(seconds=st.sampled_from([0, 1, 60]))
    def event(self, seconds: int) -> None:
        self.count += 1
        details = (0, self.count)
        self._live(lambda: self.desk.event(BAY_TAKEN, *details), (BAY_TAKEN, details))
        self._rest(seconds)

    @rule(seconds=st.sampled_from([1, 10, 100, 1000, 10_000, 100_000]))
    def rest(self, seconds: int) -> None:
        self._rest(seconds)

    @rule()
    def sleep(self) -> None:
        self._live(self.desk.doze)

    @rule()
    def power_cut(self) -> None:
        self._cut()

    @rule(actions=st.integers(0, 4))
    def power_cut_between_two_actions(self, actions: int) -> None:
        self.desk.cut_in = actions

    @rule(count=st.integers(0, 80))
    def power_cut_in_the_middle_of_a_write(self, count: int) -> None:
        self.desk.disk.cut_after = count

    @rule(count=st.integers(1, 10))
    def frames_are_lost(self, count: int) -> None:
        self.lose_up += count

    @rule(count=st.integers(1, 4))
    def acknowledgements_are_lost(self, count: int) -> None:
        self.lose_down += count

    @rule()
    def the_time_is_told(self) -> None:
        self.clocked = True
        self._live(lambda: self.desk.tell(TimeAnswered(self._gps_s(), self.desk.now_ms)))

    @rule(lasts_s=st.sampled_from([-10, 0, 1, 100, 10_000]))
    def an_order(self, lasts_s: int) -> None:
        order = Order(len(self.orders), self._gps_s() + lasts_s, SET_LEVEL, 40)
        self.orders.append(order)
        self._live(lambda: self.desk.order(order))

    @precondition(lambda self: self.orders)
    @rule(back=st.integers(1, KEPT))
    def an_order_again(self, back: int) -> None:
        order = self.orders[-min(back, len(self.orders))]
        self._live(lambda: self.desk.order(order))

    @rule(first=st.integers(0, 0xFFFF), count=st.integers(1, 0x8000))
    def a_resend_of_anything(self, first: int, count: int) -> None:
        order = Order(len(self.orders), self._gps_s() + HOUR_S, RESEND, first, count)
        self.orders.append(order)
        self._live(lambda: self.desk.order(order))

    @invariant()
    def orders_are_obeyed_once(self) -> None:
        assert all(count == 1 for count in getattr(self, "obeyed", {}).values())

    def teardown(self) -> None:
        """Faults end; then everything arrives, and the node is as good as new."""
        if not hasattr(self, "desk"):
            return
        self.lose_up = self.lose_down = 0
        self.desk.cut_in = self.desk.disk.cut_after = None
        self._rest(25 * HOUR_S)  # a status, if it is daily
        for attempt in range(40):
            missing = self.gateway.missing()
            if not missing:
                break
            end = missing[0]
            while end in missing and end - missing[0] < 0x8000:
                end += 1
            order = Order(0x8000 + attempt, self._gps_s() + HOUR_S, RESEND, missing[0] & 0xFFFF, end - missing[0])
            self.desk.order(order)
            self._rest(12 * HOUR_S)
        oldest = self.desk.log.oldest_seq()
        arrived = self.gateway.records
        assert {seq: what for seq, what in self.taken.items() if seq >= oldest and arrived.get(seq) != what} == {}
        assert not [seq for seq, what in arrived.items() if what != "void" and seq not in self.taken]
        last = Order(0x9000, self._gps_s() + HOUR_S, IDENTIFY, 1)
        self.desk.order(last)
        self.desk.read(1, 2, 3, 4, 5)
        self._rest(600)
        assert self.gateway.receipts[0x9000] == DONE
        assert arrived[self.desk.log.next_seq - 1] == ("reading", (1, 2, 3, 4, 5))

    # The world.

    def _live(self, what: Any, record: object = None) -> None:
        """Let it happen; a power cut in the middle ends the run. *record* is what the log keeps then, if it does."""
        before = self.desk.log.next_seq
        try:
            what()
        except PowerCut:
            kept = [item for item in self.desk.log.newest(1) if item.seq >= before]
            self._cut()
            if record and kept and list(self.desk.log.find(kept[0].seq, 1)):
                self.taken[kept[0].seq] = record
            return
        if record:
            self.taken[self.desk.log.newest(1)[0].seq] = record

    def _rest(self, seconds: int) -> None:
        end_ms = self.before_ms + self.desk.now_ms + seconds * 1000
        while self.before_ms + self.desk.now_ms < end_ms:
            self._live(lambda: self.desk.run(end_ms - self.before_ms))

    def _cut(self) -> None:
        self.before_ms += self.desk.now_ms
        self.clocked = False
        self.desk.power_up()

    def _gps_s(self) -> int:
        return BUILD_GPS_S + (self.before_ms + self.desk.now_ms) // 1000

    def _heard(self, f_port: int, payload: bytes) -> None:
        self.desk.acked = False
        if self.lose_up:
            self.lose_up -= 1
            return
        self.gateway.hear(f_port, payload)
        if self.lose_down:
            self.lose_down -= 1
        else:
            self.desk.acked = True

    def _done(self, action: object) -> None:
        if isinstance(action, SetLamp):
            order_id = action.fade_s
            self.obeyed[order_id] = self.obeyed.get(order_id, 0) + 1
            if self.clocked:
                assert self._gps_s() <= self.orders[order_id].expiry_gps_s


TestStreet = Street.TestCase
TestStreet.settings = settings(stateful_step_count=40)
