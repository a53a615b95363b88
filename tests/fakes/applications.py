"""An application that understands nothing: it writes down what it hears, and says what a test tells it to say."""

from gateway.network.application import NOTHING, Answer, Uplink
from gateway.network.events import Fate
from gateway.readings.record import Kind, Record
from gateway.store.writes import AddRecord


class Tally:
    """A log that counts the payloads of its device."""

    def __init__(self, count: int) -> None:
        self.count = count

    def to_text(self) -> str:
        return str(self.count)


class PlainApplication:
    """Every payload becomes one record, keyed by session and FCntUp.

    heard: the uplinks. fates: of downlinks. stumbles: uplinks that raised an error, and which. answers: what to say to
    the next uplinks, in order, or an error to raise; then the plain answer.
    due_ms: when it wants to be woken; alarm: what it says then.
    """

    def __init__(self) -> None:
        self.heard: list[Uplink] = []
        self.fates: list[Fate] = []
        self.stumbles: list[tuple[Uplink, str]] = []
        self.answers: list[Answer | Exception] = []
        self.due_ms: int | None = None
        self.alarm = NOTHING
        self.after_fate = NOTHING

    def first_log(self, text: str | None) -> Tally:
        return Tally(int(text or "0"))

    def hear(self, uplink: Uplink, log: object) -> Answer:
        assert isinstance(log, Tally)
        self.heard.append(uplink)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return Answer(writes=(record_of(uplink),), log=Tally(log.count + 1), records=1)

    def stumbled(self, uplink: Uplink, detail: str) -> Answer:
        self.stumbles.append((uplink, detail))
        return NOTHING

    def fate(self, fate: Fate, now_ms: int) -> Answer:
        self.fates.append(fate)
        answer, self.after_fate = self.after_fate, NOTHING
        return answer

    def wake_at(self) -> int | None:
        return self.due_ms

    def wake(self, now_ms: int) -> Answer:
        self.due_ms = None
        return self.alarm


def record_of(uplink: Uplink) -> AddRecord:
    """The uplink as a raw record."""
    return AddRecord(
        Record(
            kind=Kind.RAW,
            device=uplink.registration.device,
            epoch=uplink.session,
            seq=uplink.f_cnt,
            received_ms=uplink.received_ms,
            boot=1,
            observed_ms=None,
            time_error_s=None,
            content=uplink.payload,
        )
    )
