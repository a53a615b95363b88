"""Each driver does something with its chip, and says what came out; run as a script on both Pythons."""

from firmware.drivers.a02yyuw import A02yyuw
from firmware.drivers.axp import Axp
from firmware.drivers.battery import Battery
from firmware.drivers.bh1750 import Bh1750
from firmware.drivers.bl0942 import Bl0942
from firmware.drivers.bme280 import Bme280
from firmware.drivers.dali import Dali
from firmware.drivers.dimmer import Dimmer, Fade
from firmware.drivers.lis3mdl import Lis3mdl
from firmware.drivers.mmc5983ma import Mmc5983ma
from firmware.drivers.pms5003 import Pms5003
from firmware.drivers.scd41 import Scd41
from firmware.drivers.sx1262 import Sx1262
from firmware.drivers.sx1276 import Sx1276
from simulator.chips import (
    a02yyuw,
    analogue,
    axp,
    bh1750,
    bl0942,
    bme280,
    lis3mdl,
    mmc5983ma,
    pms5003,
    scd41,
    sx1262,
    sx1276,
)
from simulator.chips.air import OpenAir
from simulator.chips.clock import Clock
from simulator.chips.dali import DaliBus, Gear
from simulator.chips.i2c import I2cBus
from simulator.chips.spi import SpiBus
from simulator.chips.uart import UartLine
from simulator.chips.wire import Wire

clock = Clock()
air = OpenAir(clock)


def conversation(radio, chip):
    radio.start()
    air_us = radio.prepare_transmit(b"hello", 868_100_000, 9, 125_000, 14)
    radio.go()
    clock.sleep_ms(400)
    print(radio.poll(), air_us, radio.end_us, air.sent[-1].payload, air.sent[-1].flaws)
    radio.prepare_listen(869_525_000, 12, 125_000, 6)
    radio.go()
    clock.sleep_ms(400)
    print(radio.poll(), radio.end_us)
    radio.sleep()
    print(radio.resume(), radio.check(), chip.breaches, chip.current_na())


cs, reset, busy, dio1 = Wire(1), Wire(1), Wire(), Wire()
spi = SpiBus(clock)
first = sx1262.Sx1262(clock, air, reset, busy, dio1)
spi.attach(cs, first)
conversation(Sx1262(spi, cs, reset, busy, dio1, clock), first)

cs, reset, dio0, dio1 = Wire(1), Wire(1), Wire(), Wire()
spi = SpiBus(clock)
second = sx1276.Sx1276(clock, air, reset, dio0, dio1)
spi.attach(cs, second)
conversation(Sx1276(spi, cs, reset, dio0, clock, dio1), second)

i2c = I2cBus(clock)
magnetometer = mmc5983ma.Mmc5983ma(clock, (5, 6, 7))
magnetometer.set_field(215, 12, -425)
i2c.attach(0x30, magnetometer)
still = Mmc5983ma(i2c, clock)
print(still.start(), still.field(), still.temperature_dcel())
i2c.attach(0x1C, lis3mdl.Lis3mdl(clock))
watch = Lis3mdl(i2c, clock)
print(watch.start(), watch.field(), watch.temperature_dcel(), watch.watch(50), watch.moved())
i2c.attach(0x62, scd41.Scd41(clock))
carbon = Scd41(i2c, clock)
print(carbon.start(), carbon.set_pressure(987), clock.sleep_ms(31_000), carbon.read(), carbon.stop())
i2c.attach(0x76, bme280.Bme280(clock))
print(Bme280(i2c, clock).read())
i2c.attach(0x23, bh1750.Bh1750(clock, 77))
print(Bh1750(i2c, clock).lux())
i2c.attach(0x34, axp.Axp2101(3912))
print(Axp(i2c, clock).start(), Axp(i2c, clock).millivolts())

line = UartLine(clock)
pms5003.Pms5003(clock, line)
particles = Pms5003(line, clock)
particles.wake()
clock.sleep_ms(31_000)
print(particles.read(), particles.sleep())
line = UartLine(clock)
a02yyuw.A02yyuw(clock, line, 1953)
print(A02yyuw(line, clock).read())
line = UartLine(clock, 4800)
bl0942.Bl0942(clock, line)
print(Bl0942(line, clock).read())

rx = Wire(1)
bus = DaliBus(clock, rx)
bus.gears = [Gear(0)]
dali = Dali(bus, rx, clock)
dali.set_level(0, 99)
dali.configure(0, 0x2F)
print(dali.query(0, 0xA0), dali.command(0, 0x00), dali.query(0, 0xA0), bus.forward)
pwm = analogue.PwmPin()
Dimmer(pwm).set(254)
fade = Fade()
fade.begin(100, 10, 0)
print(pwm.duty, fade.at(5_000), fade.next_ms(5_000))
print(Battery(analogue.BatteryAdc(2000), clock, 2000).millivolts())
