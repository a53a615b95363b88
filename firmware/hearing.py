"""What a data downlink changes, once it is known to be authentic and new; loaded when one comes."""

from protocol.compat import const
from protocol.lorawan.frames import DOWNLINK, DataFrame
from protocol.lorawan.security import open_payload

from .actions import Persist
from .dialogue import Dialogue
from .events import Downlink
from .flight import Flight
from .session import Session

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

_LAST_F_PORT = const(223)  # of the application (TS001-1.0.4 §4.3.2)


def hear(
    out: list[object],
    talk: Dialogue,
    session: Session,
    frame: DataFrame,
    f_cnt: int,
    flight: Flight | None,
    class_a: bool,
    up_end_ms: int,
    snr_quarter_db: int,
    battery: "Callable[[], int]",
) -> bool:
    """Obey *frame*, persist what it changes in one blob, and tell the mind; whether the network waits for an answer.

    flight: what it answers, the uplink that ended at *up_end_ms*; None for what a class C node hears between two.
    class_a: whether it came in a window of that flight.
    """
    session.f_cnt_down = f_cnt
    if flight is not None:
        flight.acked = flight.acked or (flight.confirmed and frame.ack)
        flight.heard = flight.heard or class_a
    if class_a:
        talk.unheard = 0
        talk.rejoin = False
        talk.sticky = b""
    payload = open_payload(session.keys(), frame, DOWNLINK, f_cnt)
    commands = payload if frame.f_port == 0 else frame.f_opts
    told: list[object] = []
    if len(commands):
        from .commands import MAX_ANSWERS_LEN, obey

        answers, told = obey(
            session,
            commands,
            talk.adr,
            talk.min_dr,
            b"" if flight is None else flight.asked,
            up_end_ms,
            battery(),
            snr_quarter_db,
            MAX_ANSWERS_LEN - len(talk.sticky) - len(talk.answers),
        )
        talk.answers += answers
    if frame.confirmed:
        talk.ack = True
    out.append(Persist("session", session.to_wire()))
    out.extend(told)
    if frame.f_port and frame.f_port <= _LAST_F_PORT:
        out.append(Downlink(frame.f_port, payload))
    return talk.ack or frame.f_pending or (bool(talk.answers) and not class_a)
