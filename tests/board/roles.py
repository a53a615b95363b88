"""Each role on a board: its table, its settings, what its sensors see, and what makes it tell something at once."""

from tests.board.street import AIR_PARTS, table_of

CLASSES = {"parking": "Parking", "air": "Air", "light": "Light", "bridge": "Bridge"}
HOMES = {"light": "lamp"}  # the weld that a role is in, where it is in one
NODES = ("parking", "air", "light")
LAMP_PIN = 21
PARTS = {
    "parking": {"field0": {"chip": "lis3mdl", "int": 7}},
    "air": AIR_PARTS,
    "light": {"lamp0": {"kind": "pwm", "pin": LAMP_PIN}, "meter": {"uart": 2, "tx": 17, "rx": 18}},
    "bridge": {},
}
_SETTINGS = {"parking": {"detector": "watched"}, "light": {"rated_dw": 420}}
EMPTY_DUT, CAR_DUT = (150, 50, -420), (550, 50, -220)

# Put before main.py: what the number "plant" of the namespace "test" says, the role does from then on.
_PLANT = """
import esp32, time
from {home} import {name}

_handle = {name}.handle


def handle(self, event, now):
    nvs = esp32.NVS("test")
    try:
        what = nvs.get_i32("plant")
    except OSError:
        what = 0
    if what in (1, 2):
        nvs.set_i32("plant", 0)
        nvs.commit()
    while what in (1, 3):
        time.sleep_ms(100)
    if what == 5:
        nvs.set_i32("plant", 0)
        nvs.commit()
        return _handle(self, event, "noon")
    if what:
        raise KeyError("planted")
    return _handle(self, event, now)


{name}.handle = handle
"""
SOUND, HANGS_ONCE, RAISES_ONCE, HANGS, RAISES, MISLED_ONCE = range(6)


def board_of(town, number, firmware, *, role=None, kind="heltec-v3", planted=False, **settings):
    """A board of *role* with its chips, without power yet. planted: its role can be made to hang, or to raise."""
    role = role or town.role
    files = dict(firmware)
    if planted:
        plant = _PLANT.format(home=HOMES.get(role, role), name=CLASSES[role])
        files["/a/main.py"] = plant.encode() + files["/a/main.py"]
    board = town.node(number, files, table_of(kind, **PARTS[role]), role=role, **(_SETTINGS.get(role, {}) | settings))
    if role == "parking":
        board.chips["field0"].set_field(*EMPTY_DUT)
    elif role == "light":
        board.chips["meter"].set_load(2300, 182, 420)
    elif role == "air":
        weather(board)
    return board


def plant(board, what):
    """From its next look at the world on, a planted role does *what*."""
    board.nvs.write("test", "plant", what)


def weather(board):
    """What the sensors see changes every ten minutes: one that stands still for hours is taken for stuck.

    Not more often: where a change falls between samples, microseconds decide which of them sees it.
    """
    chips, clock = board.chips, board.clock

    def change():
        dust, carbon = chips["particles"], chips["co2"]
        dust.pm1, dust.pm2_5, dust.pm10 = [v % 40 + 5 for v in (dust.pm1 + 3, dust.pm2_5 + 5, dust.pm10 + 7)]
        carbon.co2 = 400 + (carbon.co2 + 17) % 300
        chips["climate"].set_weather(150 + carbon.co2 % 50, 500, 10_132)
        clock.at(clock.now_us + 600_000_000, change)

    change()


def breaches(board):
    """What its chips were asked that their datasheets forbid."""
    found = {name: chip.breaches for name, chip in board.chips.items() if getattr(chip, "breaches", None)}
    return found | ({"antenna": board.antenna.lost} if board.antenna.lost else {})
