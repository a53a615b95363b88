"""What a radio's driver leaves on the heap by what it does, in bytes; run as a script on MicroPython."""

import gc

from firmware.drivers.sx1262 import Sx1262
from firmware.drivers.sx1276 import Sx1276


class Nothing:
    """Bus, pins and clock at once, which do nothing and leave nothing."""

    IRQ_RISING = 1

    def value(self, *level):
        return 0

    def irq(self, handler, trigger):
        pass

    def write(self, data):
        pass

    def readinto(self, into, *write):
        pass

    def ticks_us(self):
        return 5

    def ticks_diff(self, late, early):
        return 0

    def sleep_us(self, us):
        pass

    def sleep_ms(self, ms):
        pass


def left_by(do):
    do()
    before = gc.mem_alloc()
    do()
    return gc.mem_alloc() - before


def report(name, radio):
    payload = bytes(40)
    print(name, "prepare_transmit", left_by(lambda: radio.prepare_transmit(payload, 868_100_000, 9, 125_000, 14)))
    print(name, "prepare_listen", left_by(lambda: radio.prepare_listen(868_100_000, 9, 125_000, 6)))
    print(name, "go", left_by(radio.go))
    print(name, "poll", left_by(radio.poll))
    print(name, "standby", left_by(radio.standby))


nothing = Nothing()
report("sx1262", Sx1262(nothing, nothing, nothing, nothing, nothing, nothing))
report("sx1276", Sx1276(nothing, nothing, nothing, nothing, nothing))
