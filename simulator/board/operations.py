"""What the firmware can ask of a board's hardware, by the names that host/hardware.mjs gives them; bytes as hex."""

from typing import TYPE_CHECKING, Any

from simulator.board.power import Cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.board.board import Board
    from simulator.chips.wire import Wire

_PRINTED = 1 << 16
_STAYS = 1 << 53  # µs, of what stays as it is until something happens


class Ends:
    """An answer that ends the call: how."""

    def __init__(self, what: str) -> None:
        self.what = what


class Waits:
    """An answer that comes later: when, None for not by itself."""

    def __init__(self, until_us: int | None) -> None:
        self.until_us = until_us


def _out(board: "Board", text: str) -> None:
    data = text.encode("latin-1")
    board.printed += data
    del board.printed[:-_PRINTED]
    if board.cable is not None:
        board.cable(data)


def _origin(board: "Board", time_us: int) -> None:
    board.origin_us = int(time_us)


def _set_memory(board: "Board", data: str) -> None:
    board.memory = bytes.fromhex(data)


def _write(board: "Board", name: str, size: int) -> str | None:
    cut = board.writes.next()
    return None if cut is None else cut.value


def _commit(board: "Board", space: str) -> Any:
    """NVS is whole or not: a torn commit is none."""
    cut = board.writes.next() if board.nvs.changes() else None
    if cut in (None, Cut.AFTER):
        board.nvs.commit()
    return None if cut is None else Ends("cut")


def _nvs_set(board: "Board", space: str, key: str, kind: str, data: str) -> None:
    board.nvs.set(space, key, kind, bytes.fromhex(data))


def _watchdog(board: "Board", ms: int) -> None:
    board.watchdog_ms = ms
    _feed(board)


def _feed(board: "Board") -> None:
    board.watchdog_us = board.clock.now_us + board.watchdog_ms * 1000


def _turn(board: "Board") -> None:
    board.turns += 1


def _heap(board: "Board", alive_b: int) -> None:
    board.heap_b.append(alive_b)


def surroundings(board: "Board") -> list[Any]:
    """What the firmware need not ask for: pins that it once asked for, what waits on serial lines, who acknowledges."""
    hardware = board.hardware
    pins = [(number, *_level(board, wire)) for number, wire in hardware.seen.items()]
    lines = [(number, line.waiting().hex()) for number, line in hardware.uart.items()]
    return [pins, lines, [(number, bus.willing()) for number, bus in hardware.i2c.items()]]


def _get(board: "Board", number: int) -> tuple[int, int]:
    wire = board.hardware.seen[number] = board.hardware.pin(number)
    return _level(board, wire)


def _level(board: "Board", wire: "Wire") -> tuple[int, int]:
    """The level, and until when it stays so as long as nothing happens."""
    if wire.source is None:
        return wire.level, _STAYS
    level = wire.source()
    until_us = 0 if wire.holds is None else wire.holds()
    return level, (until_us if wire.holds is None or until_us > board.clock.now_us else _STAYS)


def _i2c_write(board: "Board", number: int, address: int, data: str) -> int | tuple[int]:
    """The error's number, or how many µs it took."""
    begun_us = board.clock.now_us
    try:
        board.hardware.i2c_bus(number).writeto(address, bytes.fromhex(data))
    except OSError as error:
        return int(error.args[0])
    return (board.clock.now_us - begun_us,)


def _i2c_read(board: "Board", number: int, address: int, count: int) -> int | str:
    try:
        return board.hardware.i2c_bus(number).readfrom(address, count).hex()
    except OSError as error:
        return int(error.args[0])


def _i2c_register(board: "Board", number: int, address: int, register: int, count: int) -> int | str | tuple[str, int]:
    """What it holds; of a register that may be read again and again also how many µs that takes."""
    bus = board.hardware.i2c_bus(number)
    begun_us = board.clock.now_us
    try:
        bus.writeto(address, bytes((register,)), False)
    except OSError as error:
        return int(error.args[0])
    answer = _i2c_read(board, number, address, count)
    if isinstance(answer, str) and count == 1 and bus.stays(address, register):
        return answer, board.clock.now_us - begun_us
    return answer


def _uart_read(board: "Board", number: int, count: int) -> str:
    data = board.hardware.uart_line(number).read(count)
    return "" if data is None else data.hex()


def _stdin_read(board: "Board", count: int) -> str:
    data = bytes(board.stdin[:count])
    del board.stdin[:count]
    return data.hex()


def _binary(board: "Board", on: int) -> None:
    board.binary = bool(on)


def _pwm(board: "Board", number: int, duty: int, hz: int) -> None:
    board.hardware.pwm_pin(number).duty_u16(duty)


def _spi_both(board: "Board", number: int, data: str) -> str:
    sent = bytes.fromhex(data)
    into = bytearray(len(sent))
    board.hardware.spi_bus(number).write_readinto(sent, into)
    return into.hex()


def _pulses(board: "Board", pin: int, level: int, text: str) -> Waits | int:
    """The RMT's wait is part of it: the firmware goes on when the last pulse is over."""
    ticks = [int(us) for us in text.split(",") if us]
    to = board.hardware.rmt.get(pin)
    if to is not None:
        to.write_pulses(ticks, level)
    return board.sleep(sum(ticks))


OPERATIONS: "dict[str, Callable[..., Any]]" = {
    "out": _out,
    "sync": lambda board: None,
    "origin": _origin,
    "sleep": lambda board, us: board.sleep(us),
    "lightsleep": lambda board, ms: board.sleep_light(ms),
    "deepsleep": lambda board, ms: board.sleep_deep(ms),
    "reset": lambda board: Ends("reset"),
    "wake_reason": lambda board: board.wake_reason,
    "wake_on": lambda board, way, pin, level: board.wake_on(way, pin, level),
    "watchdog": _watchdog,
    "feed": _feed,
    "turn": _turn,
    "heap": _heap,
    "set": lambda board, number, level: board.hardware.pin(number).value(level),
    "get": _get,
    "irq": lambda board, number, trigger: board.watch(number, trigger),
    "timer": lambda board, number, ms, periodic: board.time(number, ms, bool(periodic)),
    "adc": lambda board, number: board.hardware.microvolts(number),
    "pwm": _pwm,
    "spi_write": lambda board, number, data: board.hardware.spi_bus(number).write(bytes.fromhex(data)),
    "spi_read": lambda board, number, count, byte: board.hardware.spi_bus(number).read(count, byte).hex(),
    "spi_both": _spi_both,
    "i2c_write": _i2c_write,
    "i2c_read": _i2c_read,
    "i2c_register": _i2c_register,
    "i2c_scan": lambda board, number: bytes(board.hardware.i2c_bus(number).scan()).hex(),
    "stdin_read": _stdin_read,
    "binary": _binary,
    "uart": lambda board, number, baud: board.hardware.uart_line(number).set_baud(baud),
    "uart_read": _uart_read,
    "uart_write": lambda board, number, data: board.hardware.uart_line(number).write(bytes.fromhex(data)),
    "pulses": _pulses,
    "set_memory": _set_memory,
    "nvs_set": _nvs_set,
    "nvs_erase": lambda board, space, key: board.nvs.erase(space, key),
    "nvs_commit": _commit,
    "write": _write,
}
