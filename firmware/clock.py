"""Trusted time: what a node believes of the network's answers, and how far its own clock runs wrong in between.

A time before the build of this firmware is refused. A jump over 5 minutes is believed only after two answers an hour
apart that agree with each other: one answer of a gateway whose clock is wrong moves no street. The first answer after a
boot has nothing to jump from: it is counted on, and sure once another agrees with it a quarter of an hour later.

Sleep clocks are off by up to 3 %, so the node learns its drift from answers it believes and counts with it until the
next one. What the answers' own error explains is no drift: a year on it would be many minutes.
"""

from protocol.compat import const, on_demand

MAX_STEP_S = const(300)  # a correction; more than that is a jump
_HOUR_MS = const(3_600_000)
_DAY_MS = const(86_400_000)
_SURE_MS = const(900_000)
_ERROR_MS = const(200)  # of two answers, 100 ms each (TS001-1.0.4 §5.10)
_MAX_DRIFT_PPM = const(40_000)  # the worst sleep clock and a little; a measurement beyond is none


class TrustedClock:
    """build_gps_s: when this firmware was built. image: what `image` returned before the deep sleep, or ()."""

    @on_demand
    def __init__(self, build_gps_s: int, image: list[int | None] | tuple[()] = ()) -> None:
        self._build_gps_s = build_gps_s
        self._base: tuple[int, int] | None = None  # (gps_s, at_ms) of the last answer believed
        self._suspect: tuple[int, int] | None = None  # the same of one that jumped
        self._first_ms: int | None = None  # of the first answer, until another agrees with it
        self._drift_ppm: int | None = None  # what true time gains on this node's clock
        self._ask_ms = 0
        if image:
            base_gps_s, base_s, suspect_gps_s, suspect_s, self._drift_ppm, ask_s = image
            if base_gps_s is not None and base_s is not None:
                self._base = base_gps_s, base_s * 1000
            if suspect_gps_s is not None and suspect_s is not None:
                self._suspect = suspect_gps_s, suspect_s * 1000
            self._ask_ms = (ask_s or 0) * 1000

    def is_set(self) -> bool:
        """Whether an answer was believed."""
        return self._base is not None

    def is_sure(self) -> bool:
        """Whether more than one answer says so."""
        return self._base is not None and self._first_ms is None

    def gps_s(self, now_ms: int) -> int | None:
        """GPS seconds at *now_ms*, or None as long as no answer was believed."""
        if self._base is None:
            return None
        return self._after(self._base, now_ms)

    @on_demand
    def answered(self, gps_s: int, at_ms: int) -> bool:
        """Judge an answer: the network says it was *gps_s* at *at_ms*. Returns whether it is believed."""
        if gps_s < self._build_gps_s:
            return False
        answer = (gps_s, at_ms)
        base = self._base
        if base is None:
            self._first_ms = at_ms
        elif abs(gps_s - self._after(base, at_ms)) <= MAX_STEP_S:
            self._learn_drift(base, answer)
            if self._first_ms is not None and at_ms - self._first_ms >= _SURE_MS:
                self._first_ms = None
        elif self._suspect is None:
            self._suspect = answer
            return False
        elif not self._confirmed(self._suspect, answer):
            return False
        else:
            # A drift that was learnt wrong looks like a jump each day: what it is now, these two tell.
            self._learn_drift(self._suspect, answer)
            self._first_ms = None
        self._base = answer
        self._suspect = None
        # The second answer soon, to be sure; one for the drift; then a day.
        later_ms = _HOUR_MS if self._drift_ppm is None else _DAY_MS
        self._ask_ms = at_ms + (later_ms if self._first_ms is None else _SURE_MS)
        return True

    def wants_answer(self, now_ms: int) -> bool:
        """Whether to ask with the next frame: at boot, then hourly until an answer is believed, then daily."""
        return now_ms >= self._ask_ms

    def asked(self, now_ms: int) -> None:
        """The question goes with a frame now."""
        self._ask_ms = now_ms + _HOUR_MS

    @on_demand
    def image(self) -> list[int | None]:
        """What must survive deep sleep: small numbers or None, whole seconds. Who sleeps has no lamp to be sure for."""
        base_gps_s, base_ms = self._base or (None, 0)
        suspect_gps_s, suspect_ms = self._suspect or (None, 0)
        return [
            base_gps_s,
            base_ms // 1000,
            suspect_gps_s,
            suspect_ms // 1000,
            self._drift_ppm,
            (self._ask_ms + 999) // 1000,
        ]

    def _after(self, base: tuple[int, int], now_ms: int) -> int:
        return base[0] + (now_ms - base[1]) * (1_000_000 + (self._drift_ppm or 0)) // 1_000_000_000

    @on_demand
    def _learn_drift(self, base: tuple[int, int], answer: tuple[int, int]) -> None:
        elapsed_ms = answer[1] - base[1]
        if elapsed_ms < _HOUR_MS:  # answers are whole seconds: less than an hour tells more noise than drift
            return
        gained_ms = (answer[0] - base[0]) * 1000 - elapsed_ms
        if abs(gained_ms) <= _ERROR_MS:
            gained_ms = 0
        drift_ppm = gained_ms * 1_000_000 // elapsed_ms
        if abs(drift_ppm) <= _MAX_DRIFT_PPM:
            self._drift_ppm = drift_ppm

    @on_demand
    def _confirmed(self, suspect: tuple[int, int], answer: tuple[int, int]) -> bool:
        """Whether *answer* agrees with a jump seen an hour ago; if not, the next one has to agree with *answer*."""
        if abs(answer[0] - self._after(suspect, answer[1])) > MAX_STEP_S:
            self._suspect = answer
            return False
        return answer[1] - suspect[1] >= _HOUR_MS
