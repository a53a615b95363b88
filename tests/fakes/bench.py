"""A body without a world, for both Pythons: carries out what a core wants on virtual ms, and writes down all of it."""

from firmware.actions import OpenWindow, Persist, RadioTransmit, Sense
from firmware.events import Sensed, Transmitted, WindowClosed, Woke
from protocol.region import frame_airtime_us

_WINDOW_MS = 100  # nobody answers, so one length is as good as another
_PATIENCE = 10  # times that a core may be woken at one moment before it is called busy


def airtime_ms(action):
    """What a RadioTransmit takes, in whole ms."""
    return (frame_airtime_us(action.dr, len(action.phy_payload)) + 999) // 1000


class Bench:
    """Runs *core* from its boot at 0 ms. sense: (set_number, now_ms) -> values.

    done: every action as (now_ms, action), in order. persisted: what would survive a power cut.
    """

    def __init__(self, core, sense):
        self.now_ms = 0
        self.done = []
        self.persisted = {}
        self._core = core
        self._sense = sense
        self._answers = [(0, Woke())]  # what the hardware will say, and when
        self._on_air = False

    def run(self, until_ms):
        """Let time pass up to and including *until_ms*."""
        alarms = 0
        while True:
            alarm_ms = self._core.wake_at()
            due = [at_ms for at_ms, _ in self._answers]
            if alarm_ms is not None:
                due.append(max(alarm_ms, self.now_ms))
            if not due or min(due) > until_ms:
                self.now_ms = until_ms
                return
            alarms = alarms + 1 if min(due) == self.now_ms else 0
            assert alarms < _PATIENCE, f"{self._core} wants to be woken at {self.now_ms} ms for ever"
            self.now_ms = min(due)
            self.tell(self._answer())

    def tell(self, event):
        """Let the core hear *event* now, and do what it wants."""
        if isinstance(event, Transmitted):
            self._on_air = False
        for action in self._core.handle(event, self.now_ms):
            self.done.append((self.now_ms, action))
            self._do(action)

    def of(self, kind):
        """The actions of one kind, as (now_ms, action)."""
        return [(now_ms, action) for now_ms, action in self.done if isinstance(action, kind)]

    def _answer(self):
        """What the hardware says now; with nothing to say it is the alarm that rings."""
        for answer in self._answers:
            if answer[0] <= self.now_ms:
                self._answers.remove(answer)
                return answer[1]
        return Woke()

    def _do(self, action):
        if isinstance(action, Sense):
            self._answers.append((self.now_ms, Sensed(action.set_number, self._sense(action.set_number, self.now_ms))))
        elif isinstance(action, RadioTransmit):
            assert not self._on_air, f"{self.now_ms} ms: a radio sends one frame at a time"
            self._on_air = True
            self._answers.append((self.now_ms + airtime_ms(action), Transmitted()))
        elif isinstance(action, OpenWindow) and action.symbols:
            self._answers.append((max(action.open_ms, self.now_ms) + _WINDOW_MS, WindowClosed()))
        elif isinstance(action, Persist):
            self.persisted[action.key] = action.value
