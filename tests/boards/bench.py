"""A technician's bench: boards on a hub, each with its boot loader, MicroPython and firmware behind one serial port.

A pseudo-terminal has no reset lines. So a board whose port is opened looks at the first byte: a SLIP frame is for the
boot loader, into which esptool would have reset it; anything else is for what runs, if the flash has an image. If
somebody opens a port as soon as another has closed it, that shows in the same way: by SYNC, or by bytes between frames.
"""

import contextlib
import os
import select
import sys
import threading
import time
import traceback
import tty

from boards.catalogue.known import load
from simulator.air.model import plain
from simulator.air.radio import RadioAir
from simulator.board.antenna import Antenna
from simulator.board.board import Board, State
from simulator.board.process import Host
from simulator.board.soldering import Soldered
from simulator.rom.flash import Flash
from simulator.rom.loader import Loader
from simulator.timeline import Timeline

SLIP_END = 0xC0
_SYNC = bytes([SLIP_END, 0, 8])  # a request, SYNC
_CHUNK = 4096
_BITS = 10  # of a byte on the line: start, eight, stop
_TURN_S = 0.002
_PATIENCE_S = 90  # with the bench's own thread; a call into a board's process ends after 60 s
_READS_S = 5  # what nobody reads in this time is lost, as on a real cable
_DEAF = 8  # times as fast passes the time in which nobody can answer
_MARK = b"littlefs"  # at the flash's end: the file system that MicroPython makes when it starts


class Bench:
    """boards: how many interpreters there are; an erased board takes a new one.

    hurry: virtual seconds that pass in each turn in which nobody says anything, 0 for real time. baud: how fast the
    cables are, each way; None for as fast as they go.
    """

    def __init__(self, boards=1, hurry=0.05, baud=None):
        self.baud = baud
        self.timeline = Timeline()
        self.air = RadioAir(self.timeline, 1, plain(), lambda frame: None)
        self.host = Host(boards)
        self.devices = []
        self.turns = []  # called in each turn, in this thread
        self._hurry_us = int(hurry * 1e6)
        self._over = False
        self._lock = threading.RLock()
        self._error = None
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over = True
        self._thread.join(_PATIENCE_S)
        if self._thread.is_alive():
            where = traceback.format_stack(sys._current_frames()[self._thread.ident])
            raise AssertionError(f"the bench did not end within {_PATIENCE_S} s; it is here:\n{''.join(where)}")
        for device in self.devices:
            device.pull()
        self.host.close()
        if self._error is not None:
            raise self._error

    def device(self, number, table, chip="ESP32-S3", image=b"", image_at=0, **more):
        """A board with its chips on a cable, blank."""
        with self._lock:
            device = Device(self, number, table, chip, image, image_at, **more)
            self.devices.append(device)
            return device

    def hub(self, code, image, boards):
        """Boards with that image and the files of before, all on one hub."""
        for number in range(boards):
            device = self.device(number, load("heltec-v3").table("parking"), image=image)
            device.pull()
            for path, data in code.slot.items():
                device.board.put(f"/a/{path}", data)
            device.board.put("/a/mac.mpy", b"of another time")
            device.keeps_heard = True
            device.plug()

    def alone(self):
        """What is done inside is done while nothing else happens."""
        return self._lock

    def check(self):
        """Whoever waits for the bench's time asks this now and then: a bench that has ended has no more of it."""
        if not self._thread.is_alive():
            raise AssertionError(f"the bench has ended, and time with it: {self._error!r}") from self._error

    def _serve(self):
        last_s = time.monotonic()
        try:
            while not self._over:
                with self._lock:
                    ports = {device.fileno(): device for device in self.devices if device.listens(time.monotonic())}
                    ready = select.select(list(ports), [], [], 0)[0]
                    said = bool(ready)
                    for number in ready:
                        said = ports[number].take() and said
                    now_s = time.monotonic()
                    passed_us = int((now_s - last_s) * 1e6)
                    last_s = now_s
                    self.timeline.run(self.timeline.now_us + passed_us)
                    if not said:
                        self.timeline.run(self.timeline.now_us + self._hurry_us)
                    for device in self.devices:
                        said = device.give() or said
                    for turn in self.turns:
                        turn()
                if not said:  # a port that nobody has open is always ready, to say so
                    with self._lock:
                        talking = [device.fileno() for device in self.devices if device.is_open()]
                    with contextlib.suppress(OSError):  # pulled in this moment
                        select.select(talking, [], [], _TURN_S)
        except BaseException as error:
            self._error = error


class Device:
    """One board. path: of its port, another one after each `plug`.

    cut_after: so many more bytes go along the cable, both ways, then it is pulled. carried: bytes so far. heard: what
    came to it, if keeps_heard.
    """

    def __init__(self, bench, number, table, chip, image, image_at, flash_mb=8):
        self.bench = bench
        self.mac = bytes([0x24, 0x0A, 0xC4, 1, number >> 8, number & 0xFF])
        self.table = table
        self.flash = Flash(flash_mb)
        self.loader = Loader(chip, self.flash, self.mac)
        self.name = f"bench-{number}"
        self.cut_after = None
        self.carried = 0
        self.heard = bytearray()  # all that came, for whoever looks for keys in it
        self.keeps_heard = False
        self._image = image
        self._image_at = image_at
        self._ours = -1
        self._mode = None  # "rom", "run", or None: nobody has the port open
        self._framed = False  # in the midst of a SLIP frame
        self._free_s = {"in": 0.0, "out": 0.0}  # when the line has carried what it was given
        self.path = ""
        self.board = None
        self._blank()
        self.plug()

    def fileno(self):
        return self._ours

    def listens(self, now_s):
        """Whether it is plugged in, and the line has carried what came before."""
        return self._ours >= 0 and self._free_s["in"] <= now_s

    def _blank(self):
        """A new board in its place: nothing on its flash, nothing in its NVS."""
        bench = self.bench
        self.board = Board(self.name, bench.host.link(), bench.timeline, self.mac, strict=False)
        self.antenna = Antenna(self.name, bench.timeline, bench.air, self.board.clock, self.board.stirred)
        parts = {name: part for name, part in self.table.items() if name != "name"}
        self.chips = Soldered(self.board.hardware, self.antenna, parts).chips

    # The cable.

    def plug(self):
        """Plug it in: with it comes power."""
        with self.bench.alone():
            self.pull()
            self._ours, theirs = os.openpty()
            tty.setraw(theirs)
            self.path = os.ttyname(theirs)
            os.close(theirs)
            os.set_blocking(self._ours, False)
            self._mode = None
            if self._bootable():
                self._run()

    def pull(self):
        """Pull it."""
        with self.bench.alone():
            if self._ours >= 0:
                os.close(self._ours)
                self._ours = -1
            if self.board.state is not State.OFF:
                self.board.switch_off()
            self.loader.reset()

    def boot_loader(self):
        """Let its boot loader run, as a reset with BOOT held does."""
        if self.board.state is not State.OFF:
            self.board.switch_off()
        self.loader.reset()
        self._mode = None

    def is_open(self):
        """Whether somebody has its port, and has said something."""
        return self._ours >= 0 and self._mode is not None

    def is_deaf(self):
        """Whether its boot loader runs, which knows no prompt."""
        return self._mode == "rom"

    def take(self):
        try:
            data = os.read(self._ours, self._gulp())
        except OSError:  # nobody has it open
            self._mode = None
            return False
        data = self._carried(data, "in")
        if data and (self._mode is None or self._is_anothers(data)):
            self._mode = self._opened(data)
        if data.count(SLIP_END) % 2:
            self._framed = not self._framed
        if self.keeps_heard:
            self.heard += data
        if self._mode == "rom":
            self._write(self._carried(self.loader.feed(data), "out"))
        elif self._mode == "run":
            self.board.type(data)
        if self.cut_after is not None and self.cut_after <= 0:
            self.cut_after = None
            self.pull()
        return True

    def give(self):
        """What the board said goes out."""
        if self._ours < 0 or not self.board.printed or self._free_s["out"] > time.monotonic():
            return False
        if self._mode != "run":
            self.board.printed.clear()  # nobody listens
            return False
        data = self._carried(bytes(self.board.printed[: self._gulp()]), "out")
        del self.board.printed[: len(data)]
        self._write(data)
        if self.cut_after is not None and self.cut_after <= 0:
            self.cut_after = None
            self.pull()
        return bool(data)

    def _gulp(self):
        """What goes along the line in a turn."""
        return _CHUNK if self.bench.baud is None else max(int(self.bench.baud / _BITS * _TURN_S), 1)

    def _carried(self, data, way):
        if self.bench.baud is not None:
            now_s = time.monotonic()
            self._free_s[way] = max(self._free_s[way], now_s - _TURN_S) + len(data) * _BITS / self.bench.baud
        if self.cut_after is not None:
            data = data[: self.cut_after]
            self.cut_after -= len(data)
        self.carried += len(data)
        return data

    def _write(self, data):
        until_s = time.monotonic() + _READS_S
        while data and self._ours >= 0 and time.monotonic() < until_s:
            try:
                data = data[os.write(self._ours, data) :]
                until_s = time.monotonic() + _READS_S
            except BlockingIOError:
                select.select([], [self._ours], [], 0.1)
            except OSError:
                return

    # What is behind it.

    def _is_anothers(self, data):
        """Whether the port was closed and opened again since the last bytes."""
        if self._mode == "run":
            return data.startswith(_SYNC)
        return not self._framed and data[0] != SLIP_END

    def _opened(self, data):
        self._framed = False
        if data[0] == SLIP_END or not self._bootable():
            self.boot_loader()
            return "rom"
        if self.board.state is State.OFF:
            self._run()
        return "run"

    def _bootable(self):
        at = self._image_at
        return bool(self._image) and self.flash.content[at : at + len(self._image)] == self._image

    def _run(self):
        if not self.flash.content.endswith(_MARK):
            if self.board.boots:  # the flash was erased: NVS and files are gone
                self._blank()
            self.flash.content[-len(_MARK) :] = _MARK
        self.board.switch_on()


class BenchClock:
    """`boards.node.console.Clock`: it sleeps while the bench's time passes; how long nobody answered is real time.

    patience: how many times as long answers may take: many boards in one process are slower than as many of silicon.
    device: whose boot loader answers no prompt, for which nobody need wait long.
    """

    def __init__(self, bench, patience=1.0, device=None):
        self._bench = bench
        self._patience = patience
        self._device = device
        self._real_s = time.monotonic()
        self._now_s = 0.0

    def now_s(self):
        self._bench.check()
        real_s = time.monotonic()
        deaf = self._device is not None and self._device.is_deaf()
        self._now_s += (real_s - self._real_s) / self._patience * (_DEAF if deaf else 1)
        self._real_s = real_s
        return self._now_s

    def sleep(self, seconds):
        until_us = self._bench.timeline.now_us + seconds * 1e6
        while self._bench.timeline.now_us < until_us:
            self._bench.check()
            time.sleep(_TURN_S)
