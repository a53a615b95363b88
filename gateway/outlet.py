"""The way to the broker: messages made of records, a publisher that brings them there, and orders that come back."""

import asyncio
import importlib.metadata
import logging
import random
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import apsw
import orjson

from gateway.api.station import OrderForm, StationError, UnavailableError
from gateway.config.values import Mqtt as MqttSection
from gateway.config.values import Site
from gateway.governance.dataset import Dataset
from gateway.places.directory import Directory
from gateway.publish.cursor import Cursor
from gateway.publish.delivery import Delivery
from gateway.publish.events import Connected, Disconnected, Note, PublisherEvent, Stored
from gateway.publish.messages import Messenger, Resolve, state_of
from gateway.publish.mqtt import Mqtt, MqttSettings, OrderGiven
from gateway.publish.outbox import Call, StoreOutbox
from gateway.publish.publisher import Publisher, PublisherFigures, PublisherSettings
from gateway.store import cursors, orders
from gateway.store.faults import DAMAGE_KINDS, explain, kind_of
from gateway.timekeeping import Clock, Handle
from protocol.lorawan.eui import eui_from_text

NAME = "mqtt"  # of this publisher in the store
_REFERENCES = 256  # orders by MQTT whose reference is remembered: a broker gives an unacknowledged one again
_SOURCE = "mqtt"  # of an order, with the reference behind it
_MAX_REFERENCE = 64  # characters
_RESTART_MS = 1_000

_log = logging.getLogger(__name__)

Give = Callable[[OrderForm], Awaitable[Any]]
Told = Callable[[str, str], None]


class Outlet:
    """Runs on the loop's thread.

    told: hears of what an operator must know, by name and sentence. failed: of why the process must not go on.
    """

    def __init__(
        self,
        section: MqttSection,
        site: Site,
        datasets: tuple[Dataset, ...],
        directory: Directory,
        resolve: Resolve,
        read: apsw.Connection,
        call: Call,
        clock: Clock,
        told: Told,
        failed: Callable[[str], None],
        last_id: int,
    ) -> None:
        self.answered = False  # whether the first attempt to connect has ended, well or not
        self._section = section
        self._clock = clock
        self._told = told
        self._failed = failed
        self._read = read
        self._last_id = last_id
        self._outbox = StoreOutbox(NAME, read, call, self._damaged, self._broken)
        self.messenger = Messenger(
            prefix=section.prefix,
            site=site.insee,
            directory=directory,
            datasets={dataset.name: dataset for dataset in datasets},
            door=section.door,
            resolve=resolve,
        )
        root = f"{section.prefix}/{site.insee}"
        version = importlib.metadata.version("lampyre")
        self.health_topic = f"{root}/gateway/health"
        self._settings = MqttSettings(
            host=section.host,
            port=section.broker_port,
            client_id=section.client_id or f"lampyre-{site.insee}-{socket.gethostname()}"[:23],
            state_topic=f"{root}/gateway/state",
            orders_topic=f"{root}/orders/give",
            online=state_of(True, version),
            offline=state_of(False, version),
            username=section.username,
            password_file=section.password_file,
            tls=section.tls,
            ca_file=section.ca,
            cert_file=section.cert,
            key_file=section.key,
        )
        self._given: OrderedDict[str, None] = OrderedDict()
        self._one_by_one = asyncio.Lock()  # else a repetition would overtake the first on its way to the disk
        self._tasks: set[asyncio.Future[None]] = set()  # orders being given: the broker sends 20 at most
        self._delivery: Delivery | None = None
        self._publisher: Publisher | None = None
        self._mqtt: Mqtt | None = None
        self._restart: Handle | None = None

    def start(self, give: Give) -> None:
        """Connect, and publish what waits. give: takes orders that come from the broker."""
        self._give = give
        try:
            self._begin()
        except Exception as error:
            self._fell(error)

    def _begin(self) -> None:
        for order in reversed(orders.list_orders(self._read, limit=_REFERENCES)):
            self._given[order.source] = None
        kept = cursors.load_cursor(self._read, NAME)
        self._publisher = Publisher(
            PublisherSettings(batch_topic=self.messenger.batch_topic("{}"), live_batch=self._section.live_batch),
            self.messenger.messages_of,
            random.random,
            Cursor(0) if kept is None else Cursor.from_text(kept.state),
            self._last_id,
            self._clock.now_ms(),
        )
        self._mqtt = Mqtt(self._settings, self._woken)
        self._delivery = Delivery(self._publisher, self._outbox, self._clock, self._note, self._fell)
        self._delivery.start(self._mqtt)

    def handle(self, event: PublisherEvent) -> None:
        """Let the publisher hear *event*. Should it fall over, a new one begins where its cursor was kept."""
        if isinstance(event, Stored):
            self._last_id = max(self._last_id, event.last_id)
        elif isinstance(event, Connected | Disconnected):
            self.answered = True
        if self._delivery is None:
            return
        try:
            self._delivery.handle(event)
        except Exception as error:
            self._fell(error)

    def _fell(self, error: Exception) -> None:
        """It is a mistake of ours, and no reason to hear no uplinks: publishing begins again."""
        if isinstance(error, apsw.Error):
            self._broken(error)
        _log.error("the publisher fell over and is started again", exc_info=error)
        self._let_go()
        self._restart = self._clock.call_at(self._clock.now_ms() + _RESTART_MS, lambda: self.start(self._give))
        why = f"the publisher fell over ({type(error).__name__}: {error}); a new one goes on from its cursor"
        self._told("publisher_restarted", why)

    def say(self, topic: str, payload: bytes) -> None:
        """Tell what only counts now, such as health."""
        if self._mqtt is not None:
            self._mqtt.publish_state(topic, payload)

    def figures(self) -> PublisherFigures | None:
        """How the publisher stands; None while it is being started again."""
        return None if self._publisher is None else self._publisher.figures()

    def stop(self) -> None:
        """Keep the cursor and say goodbye."""
        if self._delivery is not None:
            try:
                self._delivery.stop()
            except Exception as error:
                self._fell(error)
        self._let_go()
        if self._restart is not None:
            self._restart.cancel()

    def _let_go(self) -> None:
        if self._delivery is not None:
            self._delivery.drop()
        if self._mqtt is not None:
            self._mqtt.close()
        self._delivery = self._mqtt = self._publisher = None

    def _woken(self) -> None:
        mqtt = self._mqtt
        if mqtt is None:
            return
        for event in mqtt.events():
            self.handle(event)
        for given in mqtt.orders():
            task = asyncio.ensure_future(self._order(mqtt, given))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _order(self, mqtt: Mqtt, given: OrderGiven) -> None:
        """Give an order that came from the broker; it is acknowledged once it is on disk, or refused for good."""
        try:
            form = order_form(given.payload)
            async with self._one_by_one:
                await self._give_once(form)
        except UnavailableError as error:
            self._told("order_not_kept", str(error))
            return  # not acknowledged: the broker gives it again
        except (StationError, ValueError) as error:
            self._told("order_refused", str(error))
        mqtt.acknowledge(given)

    async def _give_once(self, form: OrderForm) -> None:
        if form.source != _SOURCE and form.source in self._given:
            return
        await self._give(form)
        self._given[form.source] = None
        if len(self._given) > _REFERENCES:
            self._given.popitem(last=False)

    def _note(self, note: Note) -> None:
        self._told(note.name, note.detail)

    def _broken(self, error: apsw.Error) -> None:
        """Records could not be read: of a damaged file no attempt will get any further, and uplinks would pile up."""
        if kind_of(error) in DAMAGE_KINDS:
            self._failed(str(explain(error, self._read.filename)))

    def _damaged(self, count: int, first: int) -> None:
        self._told("damaged_rows", f"{count} records from {first} on do not match their checksums and are left out")


def order_form(payload: bytes) -> OrderForm:
    """Read an order as it comes by MQTT; its source carries the sender's reference. ValueError says what to write.

    `{"dev_eui": "…", "verb": "set_level", "arguments": {"level_pct": 40}, "expires_in_s": 3600, "reference": "…"}`,
    with "group", a number, in place of "dev_eui" for a group. The same reference twice is one order.
    """
    try:
        said = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"an order by MQTT is not JSON: {error}") from None
    known = {"dev_eui", "group", "verb", "arguments", "expires_in_s", "reference"}
    if not isinstance(said, dict) or not set(said) <= known or ("dev_eui" in said) == ("group" in said):
        raise ValueError(
            "an order by MQTT is a JSON object with dev_eui or group, verb, and if wanted arguments, expires_in_s and "
            "reference, nothing else"
        )
    verb, arguments, expires_in_s = said.get("verb"), said.get("arguments", {}), said.get("expires_in_s", 3600)
    reference = said.get("reference")
    if not isinstance(verb, str) or not isinstance(arguments, dict) or type(expires_in_s) is not int:
        raise ValueError("an order by MQTT: verb is text, arguments an object, expires_in_s whole seconds")
    if reference is not None and not (isinstance(reference, str) and len(reference) <= _MAX_REFERENCE):
        raise ValueError(f"an order by MQTT: reference is a text of at most {_MAX_REFERENCE} characters")
    target = said["group"] if "group" in said else eui_from_text(str(said["dev_eui"]))
    if not isinstance(target, bytes) and type(target) is not int:
        raise ValueError(f"an order by MQTT: group is {target!r}; write its number")
    source = _SOURCE if reference is None else f"{_SOURCE} {reference}"
    return OrderForm(target=target, verb=verb, arguments=arguments, expires_in_s=expires_in_s, source=source)
