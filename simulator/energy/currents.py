"""The currents and charges that the energy ledger reckons with, and where each comes from.

[S] stands in the source named, [R] is recalled and not checked again, [A] is assumed until a board has been measured.
"""

from simulator.energy.ledger import Board, Cell, Radio, Sensors

# Semtech's LoRa Basics Modem, lbm_examples/radio_hal/ral_sx126x_bsp.c [S]: RX at 125 kHz, and TX in the nominal
# configuration of the high-power amplifier, both at 3.3 V.
SX1262_DCDC = Radio(
    name="SX1262, DC-DC",
    rx_ua=4_600,
    tx_ua=((0, 40_600), (10, 70_500), (14, 89_300), (17, 95_400), (20, 103_800), (22, 117_900)),
)
SX1262_LDO = Radio(
    name="SX1262, LDO",
    rx_ua=8_880,
    tx_ua=((0, 42_600), (10, 72_500), (14, 90_200), (17, 97_700), (20, 105_800), (22, 119_800)),
)
# An RFM95W has PA_BOOST alone; below 17 dBm it is not known to take less [R].
SX1276 = Radio(name="SX1276, PA_BOOST", rx_ua=11_500, tx_ua=((17, 90_000), (20, 120_000)))

_BOOT_UAS = 24_000  # MicroPython from deep sleep to main.py: about 0.7 s at 35 mA [R]
_WAKE_US = 5_000  # light sleep ends, the loop runs once, light sleep begins [A]: 4 to 6 ms
_FRAME_US = 100_000  # a record into littlefs, CBOR, AES and 250 bytes of SPI, all in MicroPython [A]
_ANTENNA_DBI = 2  # a quarter-wave whip [R]; the MAC's 16 dBm EIRP are 14 dBm at the socket

BOARDS = (
    Board(
        name="heltec-v3",
        radio=SX1262_DCDC,
        active_ua=35_000,  # ESP32-S3, no RF, 20 to 40 mA at 80 to 160 MHz: Espressif [R]
        light_ua=240,  # Espressif [S]
        deep_ua=7,  # Espressif [S]
        rest_ua=8,  # 15 uA were measured in deep sleep, radio asleep and Vext off: Heltec WiFi_Kit_series issue 6 [S]
        boot_uas=_BOOT_UAS,
        wake_us=_WAKE_US,
        frame_us=_FRAME_US,
        antenna_dbi=_ANTENNA_DBI,
    ),
    Board(
        name="esp32-rfm95",
        radio=SX1276,
        active_ua=45_000,  # ESP32, no RF, 30 to 50 mA at 160 to 240 MHz [R]
        light_ua=800,  # [R]
        deep_ua=10,  # RTC timer and memory [R]
        rest_ua=10,  # a regulator chosen for it [A]; what most boards are sold with takes 100 times as much
        boot_uas=_BOOT_UAS,
        wake_us=_WAKE_US,
        frame_us=_FRAME_US,
        antenna_dbi=_ANTENNA_DBI,
    ),
)

# Magnetometers on I2C at 400 kHz; a sample is over before the loop has run once.
MMC5983MA = Sensors(name="MMC5983MA", sense_us=_WAKE_US, idle_ua=5)  # 450 uA at 100 Hz, about 5 uA at 1 Hz [R]
LIS3MDL = Sensors(name="LIS3MDL", sense_us=_WAKE_US, idle_ua=40)  # low power, threshold interrupt on [R]

# PMS5003: 100 mA with its fan, 0.2 mA asleep [R]. SCD41: 3.2 mA in low-power periodic mode [R]; single shots would take
# a seventh but give up its self-calibration. BME280: a few uA [R]. A sample reads a UART frame and two chips [A].
AIR_SENSORS = Sensors(name="PMS5003, SCD41, BME280", sense_us=100_000, idle_ua=3_405, fan_ua=99_800)

# A D cell of lithium thionyl chloride: 19 Ah, 1 % a year by itself [R]. 85 % before a pulse of 100 mA at 0 °C pulls it
# below what the regulator needs [A], and 95 % of that in a French year [A]. It is to be bought with a capacitor beside
# it, or as a type for pulses.
LISOCL2_D = Cell(name="Li-SOCl2 D", capacity_mah=19_000, usable_per_mille=850, cold_per_mille=950, leaks_per_mille=10)


def board_named(name: str) -> Board:
    """The board called *name*. Raises ValueError, which lists those there are."""
    for board in BOARDS:
        if board.name == name:
            return board
    raise ValueError(f"no board is called '{name}'; expected one of {', '.join(board.name for board in BOARDS)}")
