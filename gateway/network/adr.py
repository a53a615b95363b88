"""Adaptive data rate: what the last twenty uplinks of a session say about how fast and how loud it should send.

The algorithm is Semtech's ("LoRaWAN – simple rate adaptation recommended algorithm", rev. 1.0) as The Things Network
and ChirpStack run it: the best SNR of twenty uplinks, less what the data rate requires and an installation margin of
10 dB, in steps of 3 dB; first faster, then less power. When the margin is negative power goes up again; slower is the
device's own decision (TS001-1.0.4 §4.3.1.1). NbTrans follows the share of FCntUp that never came; but our own nodes
send each frame once: the next one repeats its readings as differences, which costs less airtime, and of a frame that is
sent again as it was nobody can tell how old it is.
"""

from protocol.region import MAX_TX_POWER, Plan

HISTORY = 20  # uplinks that are looked at together
REQUIRED_SNR_DB = (-20.0, -17.5, -15.0, -12.5, -10.0, -7.5, -7.5)  # of DR0..DR6 (SX1276 DS, table 13)

_STEP_DB = 3
_LOST = (5, 10, 30)  # per cent of the frames; ChirpStack's table: NbTrans by loss (rows) and by NbTrans so far 1..3
_NB_TRANS = ((1, 1, 2), (1, 2, 3), (2, 3, 3), (3, 3, 3))
_AGAIN_AFTER = 4  # uplinks without an answer before the request goes once more; doubled each time, to 256
_MAX_DOUBLINGS = 6
_MAX_REST = 64  # histories, at most, that are left unused after refusals: at 96 uplinks a day two weeks

Wish = tuple[int, int, int]  # data rate, TXPower index, NbTrans


class Adr:
    """The history of one session. wish: what a LinkADRReq should ask for, None when all is well.

    max_dr: of the channels. max_nb_trans: how often a frame may be sent at most.
    """

    __slots__ = (
        "_best_db",
        "_count",
        "_dr",
        "_first",
        "_last",
        "_max_dr",
        "_max_nb_trans",
        "_max_power",
        "_next",
        "_refusals",
        "_rest",
        "_set_dr",
        "_tries",
        "nb_trans",
        "tx_power",
        "wish",
    )

    def __init__(self, max_dr: int, max_nb_trans: int = 3) -> None:
        self.tx_power = 0
        self.nb_trans = 1
        self.wish: Wish | None = None
        self._max_dr = max_dr
        self._max_nb_trans = max_nb_trans
        self._max_power = MAX_TX_POWER
        self._set_dr = -1  # what the device last agreed to
        self._last = -1
        self._next = 0  # no request before this FCntUp
        self._refusals = 0
        self._rest = 0  # histories to let pass
        self._tries = 0
        self._best_db = 0.0
        self._begin(-1, 0)

    def heard(self, f_cnt: int, dr: int, snr_db: float, min_dr: int, margin_db: int) -> None:
        """Enter an uplink of a device that lets the network choose."""
        if dr < self._set_dr:  # it backed off, which begins with full power
            self.tx_power = 0
        if dr != self._dr or f_cnt - self._last > HISTORY:  # so long a gap is an outage, no loss of this link's
            self._begin(dr, f_cnt)
        self._last = f_cnt
        self._count += 1
        self._best_db = max(self._best_db, snr_db)
        if self._count < HISTORY:
            return
        lost = f_cnt - self._first + 1 - self._count
        wish = self._wished(max(dr, min_dr), lost, margin_db)
        self._begin(dr, f_cnt + 1)
        if self._rest:
            self._rest -= 1
        else:
            self.wish = None if wish == (dr, self.tx_power, self.nb_trans) else wish

    def due(self, f_cnt: int) -> Wish | None:
        """What to ask for in the answer to this uplink; asking is remembered by `asked`."""
        return self.wish if f_cnt >= self._next else None

    def asked(self, f_cnt: int) -> None:
        """A LinkADRReq went out."""
        self._next = f_cnt + (_AGAIN_AFTER << self._tries)
        self._tries = min(self._tries + 1, _MAX_DOUBLINGS)

    def answered(self, power_ok: int, dr_ok: int, mask_ok: int) -> None:
        """A LinkADRAns came (TS001-1.0.4 §5.3): all of it was done, or nothing.

        What was refused is not asked for again, and nothing else for a while that doubles.
        """
        if self.wish is None:
            return
        dr, tx_power, nb_trans = self.wish
        self.wish = None
        self._tries = self._next = 0
        if power_ok and dr_ok and mask_ok:
            self._set_dr, self.tx_power, self.nb_trans = dr, tx_power, nb_trans
            self._dr = -1  # what was heard so far was sent with another power
            self._refusals = 0
            return
        if not power_ok:
            self._max_power = max(0, tx_power - 1)
        if not dr_ok:
            self._max_dr = max(0, dr - 1)
        self._rest = min(1 << self._refusals, _MAX_REST)
        self._refusals = min(self._refusals + 1, _MAX_DOUBLINGS)

    def _begin(self, dr: int, f_cnt: int) -> None:
        self._dr = dr
        self._first = f_cnt
        self._count = 0
        self._best_db = -1000.0

    def _wished(self, dr: int, lost: int, margin_db: int) -> Wish:
        power = min(self.tx_power, self._max_power)
        steps = int((self._best_db - REQUIRED_SNR_DB[min(dr, 6)] - margin_db) / _STEP_DB)
        while steps > 0 and dr < self._max_dr:
            dr += 1
            steps -= 1
        while steps > 0 and power < self._max_power:
            power += 1
            steps -= 1
        while steps < 0 and power > 0:
            power -= 1
            steps += 1
        share = 100 * lost // (lost + HISTORY)
        row = sum(share >= limit for limit in _LOST)
        nb_trans = _NB_TRANS[row][min(self.nb_trans, 3) - 1]
        return dr, power, min(nb_trans, self._max_nb_trans)


def best_plan_dr(plan: Plan) -> int | None:
    """The fastest data rate ADR may choose under *plan*; None where it is off."""
    return plan.max_dr if plan.adr else None
