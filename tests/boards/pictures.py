"""Makes the pictures of boards/README.md: `python -m tests.boards.pictures` (`make pictures`).

What the terminal shows comes from real runs of the command against a board of the bench, with the real esptool and the
real firmware; wiring is drawn from the boards' files. DevEUIs and times differ from run to run, so pictures of runs are
made anew when what they show has changed, and a test holds the drawings to the files.
"""

import io
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from boards.catalogue.drawing import drawing
from boards.catalogue.known import load
from boards.catalogue.wiring import connected
from simulator.rom.image import Recipe, make_image

PICTURES = Path(__file__).parents[2] / "boards" / "pictures"
DRAWN = tuple((board, role) for board in ("heltec-v3", "t3-s3", "esp32-rfm95") for role in ("parking", "air", "light"))
LANGUAGES = ("en", "fr")
WIDTH = 100
_PATIENCE_S = 240
_MANY = 120_000  # bytes into the run at which the cable is pulled
_CONTROL = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\]8;[^\x1b]*\x1b\\")

SCENES = ("dry-run", "cut", "flash", "status", "selftest")


def wiring_of(board_id, role):
    """A drawing, in the language that its names are in on every board."""
    board = load(board_id)
    return drawing(board, connected(board, role), "en") + "\n"


def screen_of(data):
    """The lines that a terminal shows in the end, with their colours; lines are overwritten as `rich` does it."""
    lines, row = [""], 0
    for piece in re.split(r"(\r\n|\n|\r|\x1b\[\d*A|\x1b\[2K)", data):
        if piece in ("\r\n", "\n"):
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece == "\r":
            pass  # what follows begins with an erased line, or is one
        elif re.fullmatch(r"\x1b\[\d*A", piece):
            row = max(row - int(piece[2:-1] or 1), 0)
        elif piece == "\x1b[2K":
            lines[row] = ""
        else:
            lines[row] += _CONTROL.sub(lambda match: match[0] if match[2] == "m" else "", piece)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def picture_of(title, command, data):
    """A terminal with a command and what it said, as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ " + command, style="bold"))
    for line in screen_of(data):
        console.print(Text.from_ansi(line))
    picture = console.export_svg(title=title, unique_id=re.sub(r"\W", "", title))
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)  # it would be fetched from somewhere


class Laptop:
    """A folder in which the command is typed; the board hangs at ttyUSB0 there."""

    def __init__(self, folder, device, language):
        self.folder = folder
        self._device = device
        self._language = language

    def type(self, command):
        """Type a command; returns what came on the screen."""
        link = self.folder / "ttyUSB0"
        link.unlink(missing_ok=True)
        link.symlink_to(self._device.path)
        ours, theirs = pty.openpty()
        environment = os.environ | {
            "LAMPYRE_HOME": str(self.folder / "home"),
            "PYTHONPATH": str(PICTURES.parents[1]),
            "COLUMNS": str(WIDTH),
            "TERM": "xterm-256color",
            "LC_ALL": f"{self._language}_FR.UTF-8",
        }
        words = [sys.executable, "-m", "lampyre", *command.split()[1:]]
        process = subprocess.Popen(words, cwd=self.folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        said = bytearray()
        signal.alarm(_PATIENCE_S)
        try:
            while chunk := os.read(ours, 4096):
                said += chunk
        except OSError:  # it has ended
            pass
        signal.alarm(0)
        process.wait(_PATIENCE_S)
        os.close(ours)
        return said.decode().replace(str(self.folder), "~/antony")


def runs_in(language, folder):
    """All scenes: name, command and what came on the screen."""
    from tests.boards.bench import Bench

    image = make_image(Recipe(chip="ESP32-S3", program_len=200_000, flash_mb=8))
    (folder / "ESP32_GENERIC_S3-20251209-v1.27.0.bin").write_bytes(image)
    flash = "lampyre flash --port ttyUSB0 --board heltec-v3 --role air --name air-001 --place 92002-station-1"
    shown = flash
    flash += " --image ESP32_GENERIC_S3-20251209-v1.27.0.bin"
    with Bench(boards=2, hurry=0) as bench:
        device = bench.device(1, load("heltec-v3").table("air"), image=image)
        laptop = Laptop(folder, device, language)
        yield "dry-run", shown + " --dry-run", laptop.type(flash + " --dry-run")
        device.cut_after = _MANY
        yield "cut", shown, laptop.type(flash)
        device.plug()
        yield "flash", shown, laptop.type(flash)
        for name in ("status", "selftest"):
            command = f"lampyre node {name} --port ttyUSB0"
            yield name, command, laptop.type(command)


def main():
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    for board, role in DRAWN:
        (PICTURES / f"wiring-{board}-{role}.svg").write_text(wiring_of(board, role), encoding="utf-8")
    for language in LANGUAGES:
        with tempfile.TemporaryDirectory() as folder:
            for name, command, data in runs_in(language, Path(folder)):
                picture = picture_of(name, command, data)
                (PICTURES / f"{name}-{language}.svg").write_text(picture, encoding="utf-8")
                sys.stderr.write(f"{name}-{language}\n")


if __name__ == "__main__":
    main()
