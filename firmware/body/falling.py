"""Falling asleep, and restarting in good order: all that the next run needs goes into RTC memory. Loaded for that."""

from protocol.compat import const

from ..boot import TRIAL
from ..glance import pack
from . import memory as rtc

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .alive import NodeBody

_LONGEST_MS = const(43_200_000)  # in deep sleep: the trial and the strain of boot.py have days


def sleep_deep(body: "NodeBody", until_ms: int | None) -> None:
    """Put all there is into RTC memory and sleep; comes back only if that has no room for it."""
    image = _image(body)
    hardware = body.hardware
    if not rtc.fits(image):
        hardware.last_error = "image too long"
        return
    if body.boot & TRIAL:
        from .trial import rest_in_order

        rest_in_order(body)
    body.station.sleep()
    body.wake_by((tuple(body.senses.watch_pins()), None))
    for pin in body.held:
        pin.init(hold=True)
    hardware.esp32.gpio_deep_sleep_hold(True)
    wait_ms = _LONGEST_MS
    if until_ms is not None:
        wait_ms = min(max(until_ms - body.clock.now_ms() - body.boot_ms, 1), _LONGEST_MS)
    body.memory.write(hardware, rtc.ASLEEP, body.senses.watched, image)
    hardware.machine.deepsleep(wait_ms)


def keep_role(body: "NodeBody") -> None:
    """Before a restart: what a role that never sleeps wants to know after it."""
    image = b"" if body.role is None or body.lamps is None else body.role.image()
    if image:
        body.memory.write(body.hardware, rtc.RESTARTED, 0, image)


def _image(body: "NodeBody") -> bytes:
    role = b"" if body.role is None else body.role.image()
    if body.glance is not None:
        wake_ms, _, mind, mac, log = body.images
        return pack(wake_ms, role, mind, mac, log)
    assert body.mind is not None
    assert body.mac is not None
    assert body.log is not None
    times = [time_ms for time_ms in (body.mind.own_wake_at(), body.mac.wake_at()) if time_ms is not None]
    return pack(min(times) if times else None, role, body.mind.image(), body.mac.image(), body.log.image())
