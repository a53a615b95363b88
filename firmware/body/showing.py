"""What a technician is shown of a board: its state line by line, and the rows of its self-test. Loaded for that."""

from ..boot import TRIAL, slot_of
from ..version import VERSION
from .selftest import flash, keys, known, nvs

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .alive import NodeBody
    from .being import Being


def states_of(being: "Being") -> "Iterator[str]":
    """Of any board, as `name: value`."""
    yield "firmware: %d.%d.%d" % VERSION
    yield f"board: {being.board_name}"
    yield f"uptime_s: {being.clock.now_ms() // 1000}"
    yield f"reset_cause: {being.memory.cause}"
    yield f"last_error: {being.last_error() or 'none'}"
    yield f"heap_free: {being.hardware.heap_free()}"
    yield f"boot: {being.boot}"
    yield f"slot: {slot_of(being.boot)}"
    yield f"on_trial: {'yes' if being.boot & TRIAL else 'no'}"


def states_of_node(body: "NodeBody") -> "Iterator[str]":
    """Of a node."""
    yield from states_of(body)
    yield f"safe_mode: {'yes' if body.safe else 'no'}"
    yield f"battery_mv: {body.senses.battery_mv()}"
    yield f"f_cnt_up_below: {body.kept.number('f_cnt_up')}"
    session = body.kept.blob("session")
    yield f"dev_addr: {'none' if len(session) < 5 else '%08x' % int.from_bytes(session[1:5], 'little')}"
    if body.log is not None:
        yield f"log_epoch: {body.log.epoch}"
        yield f"next_seq: {body.log.next_seq}"
    yield f"radio_failures: {body.station.failures}"
    if body.lamps is not None:
        yield f"lamps: {body.lamps.drives()}"


def tests_of(being: "Being") -> "Iterator[tuple[str, str]]":
    """Of any board, one step each time it is asked: what was tested, and "" or what is wrong."""
    yield "flash", flash(being.hardware)
    yield "nvs", nvs(being.kept)


def tests_of_node(body: "NodeBody") -> "Iterator[tuple[str, str]]":
    """Of a node."""
    from protocol.settings import Settings

    settings = Settings.decode(body.settings)
    free = settings.link or body.station.idle() or body.is_class_c
    yield "radio", body.station.check() if free else "is at work; ask again in ten seconds"
    senses = body.senses
    for sensor in senses.all():
        yield sensor[0], known(senses.read(sensor))
    for bay in range(senses.bays()):
        yield "field%d" % bay, "" if senses.field(bay).field else "does not answer"
    if senses.sees_light():
        yield "lux", "" if senses.lux().lux is not None else "does not answer"
    yield "keys", keys(body.kept, bool(settings.activation))
    yield from tests_of(body)
