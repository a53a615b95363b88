"""From the rows of a frame to records: full numbers and dates."""

from gateway.network.session import Session
from gateway.readings.record import Measured, Record
from protocol.lorawan.counters import nearest_full
from protocol.telemetry_reader import Readings, Row

_CLOCK_ERROR_PCT = 3  # how far a node's sleep clock may be off
_CUT_S = 1  # node clocks count whole seconds


def records_of(readings: Readings, session: Session, received_ms: int, airtime_ms: int) -> tuple[Record, ...]:
    """The records that the rows of *readings* stand for, newest first.

    airtime_ms: of the frame, which was built that long before *received_ms*, when the ages were stamped.
    """
    return tuple(_record(row, readings.quantities, session, received_ms, airtime_ms) for row in readings.rows)


def _record(
    row: Row, quantities: tuple[tuple[int, int], ...], session: Session, received_ms: int, airtime_ms: int
) -> Record:
    age_s = row.age_s
    return Record(
        dev_eui=session.dev_eui,
        epoch=session.epoch,
        seq=nearest_full(session.last_seq, row.seq),
        place=session.place,
        observed_ms=None if age_s is None else received_ms - airtime_ms - age_s * 1000,
        time_error_s=None if age_s is None else _CUT_S + age_s * _CLOCK_ERROR_PCT // 100,
        received_ms=received_ms,
        measured=tuple(
            Measured(quantity=quantity, instance=instance, value=value)
            for (quantity, instance), value in zip(quantities, row.values, strict=True)
        ),
    )
