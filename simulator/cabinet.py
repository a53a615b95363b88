"""The gateway of a virtual street: its own cores, store and messages on the timeline's clock.

The one file that joins the gateway to the simulator; what it tells others is plain values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import apsw

from gateway.application import TownApplication
from gateway.engine import Engine
from gateway.governance.dataset import Sharing
from gateway.governance.defaults import datasets_of
from gateway.links.link import Heard, Outcome, RadioReport, Received, Transmit, TransmitResult
from gateway.network.events import Accepted, Alarm, Refused
from gateway.network.registration import Registration, Role
from gateway.network.server import Server
from gateway.network.settings import NetworkSettings
from gateway.places.directory import Directory
from gateway.places.place import Installed, Place, PlaceKind
from gateway.publish.messages import Messenger
from gateway.store.database import open_database
from gateway.store.devices import add_devices
from gateway.store.migrate import migrate
from gateway.store.places import install, set_places
from gateway.store.records import records_after
from gateway.store.writer import InlineWriter, Result
from simulator.air.interface import OnAir
from simulator.streams import Stream
from simulator.timeline import Timeline

_PAGE = 1000  # rows read at once to be published


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A node as the gateway is told of it, and the places where its instances hang. role: "air", "parking", "light"."""

    name: str
    dev_eui: bytes
    join_eui: bytes
    app_key: bytes
    role: str
    places: tuple[str, ...]
    gen_app_key: bytes | None = None
    class_c: bool = False


class CabinetWatcher(Protocol):
    """Who is told what the gateway does."""

    def emit(self, radio: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> None:
        """A radio begins a downlink."""

    def refused(self, reason: str) -> None:
        """A frame was refused."""

    def published(self, topic: str, payload: bytes) -> None:
        """A message leaves."""


class Cabinet:
    """One gateway with its radios, opened by being made. Implements `gateway.engine.Observer`.

    start_s: Unix time of virtual time 0. Raises OSError or apsw.Error when the database cannot be opened.
    """

    def __init__(
        self,
        timeline: Timeline,
        start_s: int,
        site: str,
        database: Path | str,
        dice: Stream,
        watcher: CabinetWatcher,
    ) -> None:
        self._timeline = timeline
        self._start_s = start_s
        self._site = site
        self._dice = dice
        self._watcher = watcher
        self._published = 0  # the last row of the store that was
        self._alarm_us: int | None = None  # when the engine is woken next
        self._database = open_database(database, durable=False)
        migrate(self._database)

    def begin(self, members: Sequence[Member], radios: Sequence[str]) -> None:
        """Enter the nodes and their places, and switch on."""
        registrations = [
            Registration(
                device=0,
                dev_eui=member.dev_eui,
                role=Role(member.role),
                name=member.name,
                join_eui=member.join_eui,
                app_key=member.app_key,
                gen_app_key=member.gen_app_key,
                class_c=member.class_c,
            )
            for member in members
        ]
        places = [
            Place(place_id=place, kind=_KIND_OF[Role(member.role)]) for member in members for place in member.places
        ]
        there = [
            Installed(place_id=place, dev_eui=member.dev_eui, instance=instance, from_ms=self._start_s * 1000)
            for member in members
            for instance, place in enumerate(member.places)
        ]
        with self._database:
            added = add_devices(self._database, registrations)
            set_places(self._database, places)
            for installed in there:
                install(self._database, installed)
        application = TownApplication(1, added)
        server = Server(NetworkSettings(), added, (), (), application, _Dice(self._dice))
        self._engine = Engine(server, application, 1, self._transmit, self)
        self._engine.write_with(InlineWriter(self._connection, self._written))
        self._messenger = Messenger(
            prefix="lampyre",
            site=self._site,
            directory=Directory(added, places, there),
            datasets=datasets_of("simulated"),
            door=Sharing.INTERNAL,
            resolve=lambda boot, ms: (ms + self._start_s * 1000, 0),
        )
        self._engine.set_clock(self._start_s * 1000, 0)
        for radio in radios:
            self._hear(RadioReport(radio=radio, online=True, detail="virtual"))

    def receive(self, radio: str, frame: OnAir, rssi_dbm: int, snr_db: float) -> None:
        """A radio received a frame, now."""
        self._hear(
            Received(
                radio=radio,
                phy_payload=frame.phy_payload,
                freq_hz=frame.freq_hz,
                dr=frame.dr,
                counter_us=self._timeline.now_us & 0xFFFFFFFF,
                rssi_dbm=rssi_dbm,
                snr_db=snr_db,
            )
        )

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _hear(self, heard: Heard) -> None:
        self._engine.hear(heard, self._now_ms())
        self._plan()

    def _transmit(self, transmit: Transmit) -> None:
        """A radio is told to send: at its µs, or now."""
        now_us = self._timeline.now_us
        wait_us = 0 if transmit.counter_us is None else (transmit.counter_us - now_us) & 0xFFFFFFFF
        outcome = Outcome.SENT if wait_us < 1 << 31 else Outcome.TOO_LATE
        if outcome is Outcome.SENT:
            self._timeline.at(now_us + wait_us, lambda: self._emit(transmit))
        result = TransmitResult(token=transmit.token, outcome=outcome)
        self._timeline.at(now_us, lambda: self._hear(result))

    def _emit(self, transmit: Transmit) -> None:
        self._watcher.emit(transmit.radio, transmit.phy_payload, transmit.freq_hz, transmit.dr, transmit.power_dbm)

    def _connection(self) -> apsw.Connection:
        return self._database

    def _written(self, result: Result) -> None:
        self._engine.written(result, self._now_ms())
        page = records_after(self._database, self._published, _PAGE)
        for row_id, record in page.records:
            for message in self._messenger.messages_of(row_id, record) or ():
                self._watcher.published(message.topic, message.payload)
        self._published = page.last_id

    def _plan(self) -> None:
        """Wake the engine when it wants to be, as the process does."""
        wake_ms = self._engine.wake_at()
        if wake_ms is None:
            return
        wake_us = max(wake_ms * 1000, self._timeline.now_us)
        if self._alarm_us is not None and self._timeline.now_us <= self._alarm_us <= wake_us:
            return
        self._alarm_us = wake_us
        self._timeline.at(wake_us, lambda: self._ring(wake_us))

    def _ring(self, alarm_us: int) -> None:
        if alarm_us == self._alarm_us:
            self._alarm_us = None
            self._engine.wake(self._now_ms())
            self._plan()

    def _now_ms(self) -> int:
        return self._timeline.now_us // 1000

    # What the engine tells.

    def accepted(self, accepted: Accepted, now_ms: int) -> None:
        """An uplink was accepted."""

    def refused(self, refused: Refused, now_ms: int) -> None:
        """An uplink was refused."""
        self._watcher.refused(refused.reason.value)

    def alarmed(self, alarm: Alarm, now_ms: int) -> None:
        """Alarms are published as notices."""

    def radio(self, report: RadioReport, now_ms: int) -> None:
        """They are there."""


_KIND_OF = {Role.AIR: PlaceKind.STATION, Role.PARKING: PlaceKind.BAY, Role.LIGHT: PlaceKind.LAMP}


class _Dice:
    """The gateway's dice, from a stream that is the same on every machine."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def randrange(self, stop: int, /) -> int:
        """A number from 0 to below *stop*."""
        return self._stream.below(stop)
