"""Which of the two firmwares runs, and whether in safe mode: copied to /boot.py once, and never updated.

It decides by one number in NVS and the cause of the reset, and reads no file of a slot: whatever is in them, the next
reset comes here again. The theory stands in firmware/store/slots.py. Nothing is imported: no slot is chosen yet.
"""

SLOTS = ("/a", "/b")

# The number under the key "boot": these flags, and from STRAIN on how badly the last runs ended.
SLOT_B = 1  # the confirmed slot is /b, not /a
TRIAL = 2  # the other one is tried
ORDERLY = 4  # the run ends on purpose
UNDONE = 8  # a trial failed, and nobody was told yet
STRAIN = 16

SAFE_STRAIN = 3 * 256  # three crashes or hangs in a row: the next boot, at the latest the fourth, is in safe mode
MAX_STRAIN = 4 * 256  # of a trial: the fourth boot, or the 1,024th wake from deep sleep, goes back to the old firmware
_BAD_END = 256

# Values of machine.reset_cause(): a brown-out counts as power on, machine.reset() and a panic as hard.
POWER_ON = 1
HARD = 2
WATCHDOG = 3
DEEP_SLEEP = 4


def decide(state: int, cause: int) -> int:
    """The number after a boot with this reset cause; `slot_of` and `is_safe` tell what it means."""
    flags = state % STRAIN & ~ORDERLY
    strain = state // STRAIN
    if state & TRIAL:
        strain += _BAD_END if cause in (POWER_ON, HARD, WATCHDOG) else 1
        if strain >= MAX_STRAIN:
            return flags & SLOT_B | UNDONE
    elif cause == POWER_ON:
        strain = min(strain, SAFE_STRAIN - _BAD_END)  # somebody may have mended it: one more try
    elif cause in (HARD, WATCHDOG) and not state & ORDERLY:
        strain = min(strain + _BAD_END, SAFE_STRAIN)
    return strain * STRAIN + flags


def slot_of(state: int) -> str:
    """The folder of the firmware that runs."""
    return SLOTS[(state ^ state // TRIAL) & 1]


def is_safe(state: int) -> bool:
    """Whether it runs in safe mode: radio and orders only. A firmware on trial never does, it is taken back."""
    return not state & TRIAL and state // STRAIN >= SAFE_STRAIN


if __name__ == "__main__":
    import os

    import esp32
    import machine

    machine.WDT(timeout=60000)  # ms; a firmware that cannot even start ends here, main.py sets its own
    nvs = esp32.NVS("lampyre")
    try:
        before = nvs.get_i32("boot")
    except OSError:  # the first boot
        before = 0
    after = decide(before, machine.reset_cause())
    if after != before:
        nvs.set_i32("boot", after)
        nvs.commit()
    os.chdir(slot_of(after))  # main.py and every import come from there
