"""A town around the order desk: a lamp, a node and a street, and a store that is a dict."""

import orjson

from gateway.network.events import Fate, FateOf
from gateway.network.registration import Group, Registration, Role
from gateway.orders.desk import OrderDesk
from gateway.orders.request import OrderRequest
from gateway.orders.targets import Targets
from gateway.readings.record import Kind
from gateway.store.writes import AddRecord, KeepOrder
from protocol.orders import DONE, Receipt, encode_receipt
from tests.gateway.uplinks import BOOT, LAMP, NODE, OFFSET_MS, uplink

MEMBERS = tuple(bytes([9, n] * 4) for n in range(3))
STREET = Group(number=3, name="quai", mc_addr=1, mc_key=bytes(16), members=MEMBERS)
NIGHT_S = 8 * 3600
GPS_AT_ZERO = OFFSET_MS // 1000 - 315_964_800 + 18  # GPS began on 1980-01-06; 18 leap seconds since


class Town:
    """A desk, and what it wanted done."""

    def __init__(self, kept=(), next_id=1, offset_ms=OFFSET_MS, now_ms=0):
        members = [Registration(device=20 + n, dev_eui=eui, role=Role.LIGHT) for n, eui in enumerate(MEMBERS)]
        self.desk = OrderDesk(Targets([NODE, LAMP, *members], [STREET]), BOOT, kept, next_id, now_ms)
        self.desk.set_clock(offset_ms)
        self.now_ms = now_ms
        self.kept = {}
        self.results = []
        self.downlinks = []

    def take(self, answer):
        for write in answer.writes:
            if isinstance(write, KeepOrder):
                self.kept[write.id] = write
            else:
                assert isinstance(write, AddRecord)
                assert write.record.kind is Kind.ORDER
                self.results.append(orjson.loads(write.record.content))
        self.downlinks += answer.downlinks
        return answer

    def give(self, target=LAMP, verb="set_level", expires_in_s=3600, source="operator", **arguments):
        if verb == "set_level":
            arguments.setdefault("level_pct", 40)
        request = OrderRequest(target=target, verb=verb, arguments=arguments, expires_in_s=expires_in_s, source=source)
        given = self.desk.give(request, self.now_ms)
        self.take(given.answer)
        return given.ids

    def went(self, fate=FateOf.SENT):
        """All downlinks that wait go, or end otherwise; returns how many."""
        gone, self.downlinks = self.downlinks, []
        for downlink in gone:
            self.take(self.desk.fate(Fate(ref=downlink.ref, fate=fate, detail="why"), self.now_ms))
        return len(gone)

    def receipt(self, order, outcome=DONE, detail=None, device=LAMP):
        payload = encode_receipt(Receipt(order, outcome, detail))
        receipted = self.desk.receipt(uplink(4, payload, self.now_ms, device=device))
        self.take(receipted.answer)
        return receipted

    def wait(self, until_ms):
        """Let time pass; what is sent meanwhile goes at once. Returns when that was."""
        sent = []
        while (at_ms := self.desk.wake_at()) is not None and at_ms <= until_ms:
            self.now_ms = max(self.now_ms, at_ms)
            self.take(self.desk.wake(self.now_ms))
            if self.went():
                sent.append(self.now_ms)
        self.now_ms = until_ms
        return sent

    def states(self):
        return {order.id: order.state for order in self.kept.values()}

    def members_answer(self, order, outcomes):
        """Members of the street answer, the first first."""
        for number, outcome in enumerate(outcomes):
            self.receipt(self.kept[order].wire_id, outcome, device=self.desk._targets.device(20 + number))
