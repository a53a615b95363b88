"""What the board runs after /boot.py: takes one turn after the other, for ever.

A turn ends where the node rests, so a simulator imports this and calls `turn` itself, once for each wake.
"""

from firmware.body.start import start

turn = start()

if __name__ == "__main__":
    while True:
        turn()
