"""Whose fault it is that the broker refuses: the message's, which is parked, or the broker's, and everything pauses.

- A refused message is tried again, and after some tries it is parked; but only if the broker accepted something else
  meanwhile. Else the fault is the broker's.
- A message that makes the broker drop the connection: after three connections without a single PUBACK messages go one
  at a time, so that the one that does it can be told from the others and is treated as refused.
"""

from collections.abc import Iterable

from gateway.publish.back_off import BackOff
from gateway.publish.events import Note, PublisherEffect
from gateway.publish.lane import Task

REFUSED = 0x80  # reason codes from here on
TOO_LARGE = 0x95
LOST = 0x100  # stands for a reason code: the connection went with this message out

# Refusals that speak of the message and will not change: Not authorized, Topic Name invalid, Packet too large,
# Payload format invalid (MQTT 5 §3.4.2.1). Quotas and unnamed troubles pass, and get ten tries over some minutes.
_LASTING = frozenset((0x87, 0x90, TOO_LARGE, 0x99, LOST))
_LASTING_TRIES = 4
_PASSING_TRIES = 10
_IN_A_ROW = 8  # then it is the broker; also how many messages feel their way after the pause
_BARREN = 3  # connections that end without a PUBACK until messages go one at a time

_REASONS = {
    0x80: "unspecified error",
    0x83: "implementation specific error",
    0x87: "not authorized: check the broker's access list for this topic",
    0x90: "topic name invalid",
    0x91: "packet identifier in use",
    0x95: "packet too large: raise the broker's limit",
    0x97: "quota exceeded",
    0x99: "payload format invalid",
    LOST: "the broker drops the connection over it: is it too large?",
}


class Refusals:
    """What is held against rows, devices and the broker. accepted: messages so far. paused_until_ms: 0: not now."""

    def __init__(self, back_off: BackOff) -> None:
        self.accepted = 0
        self.paused_until_ms = 0
        self._back_off = back_off
        self._pauses = 0
        self._in_a_row = 0
        self._barren = 0
        self._suspects: set[int] = set()  # rows
        self._distrusted: set[int | None] = set()  # devices whose last row was parked; as many as are registered

    # The broker.

    def window(self, most: int) -> int:
        """How many of *most* messages may be in flight."""
        if self.one_at_a_time:
            return 1
        return min(most, _IN_A_ROW) if self._pauses else most

    @property
    def one_at_a_time(self) -> bool:
        """Whether a message is looked for over which the broker drops connections."""
        return bool(self._suspects) or self._barren >= _BARREN

    def may_send(self, now_ms: int) -> bool:
        """Whether no pause holds."""
        if now_ms < self.paused_until_ms:
            return False
        self.paused_until_ms = 0
        return True

    def message_accepted(self, effects: list[PublisherEffect]) -> None:
        """The broker took one."""
        self.accepted += 1
        self._barren = 0
        self._in_a_row = 0
        if self._pauses:
            self._pauses = 0
            self.paused_until_ms = 0
            effects.append(Note("broker_accepts", "the broker accepts messages again"))

    def message_refused(self, code: int, now_ms: int, effects: list[PublisherEffect]) -> None:
        """It refused one: many in a row make a pause."""
        self._barren = 0
        if now_ms < self.paused_until_ms:
            return  # what was in flight when the pause began
        self._in_a_row += 1
        if self._in_a_row < _IN_A_ROW:
            return
        if not self._pauses:
            effects.append(
                Note("broker_refuses", f"the broker refuses everything, now with 0x{code:02x}: {_why(code)}")
            )
        self._in_a_row = 0
        self.paused_until_ms = now_ms + self._back_off.after_ms(self._pauses)
        self._pauses += 1

    def connection_barren(self) -> None:
        """A connection ended on which messages were sent, and none was acknowledged."""
        self._barren += 1

    # Rows and their devices.

    def give_up_on(self, task: Task, code: int) -> str | None:
        """Give up on a row that *code* refused, if that is time, and say why; None: it may be tried again."""
        lasting = code in _LASTING
        # Once only after one of its device had to be parked, until one gets through.
        most = 1 if task.queue.device in self._distrusted else _LASTING_TRIES if lasting else _PASSING_TRIES
        if task.tries < most or self.accepted <= task.mark:
            return None
        self._suspects.discard(task.row_id)
        self._distrusted.add(task.queue.device)
        return f"the broker refused row {task.row_id} {task.tries} times (reason 0x{code:02x}): {_why(code)}"

    def row_accepted(self, task: Task) -> None:
        """All of a row got through."""
        self._suspects.discard(task.row_id)
        self._distrusted.discard(task.queue.device)

    def suspect(self, row_ids: Iterable[int]) -> None:
        """A connection was lost while these alone were out."""
        self._suspects.update(row_ids)

    def acquit(self) -> None:
        """Nobody is suspected any more."""
        self._suspects.clear()


def _why(code: int) -> str:
    return _REASONS.get(code, "a reason of its own")
