"""The shell over paho-mqtt: one connection to the broker at a time, events in and publishes out.

paho's queue is never ours: the publisher bounds what is in flight, and every connection has a client of its own, so
that nothing of an earlier one is sent again behind the publisher's back. Connecting (names, TCP, TLS) blocks and has
a thread; from then on paho runs inside the asyncio loop (its `loop_read`, `loop_write`, `loop_misc`), whose callbacks
only append and wake. With a thread of its own each PUBACK is a fight for the interpreter lock: half as much again of
CPU time, measured.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.publish.events import Acked, Connected, Disconnected, Publish, PublisherEvent

_log = logging.getLogger(__name__)

_CONNECT_S = 10.0  # for TCP, and again for TLS
_CONNACK_S = 10.0
_MISC_S = 5.0  # how often paho looks whether a ping is due
_SILENT = 1.5  # times the keepalive: paho gives it as long again after its ping, in which nothing would be noticed
_ORDERS_OPEN = 20  # orders that the broker may send before we acknowledge one
_ORDER_PACKET_BYTES = 65_536  # no order is larger; the broker keeps what is (MQTT 5 §3.1.2.11.4)
_HUNG_UP = 3  # connections that the broker ends without a CONNACK until one with MQTT 3.1.1 is tried
_UNSUPPORTED_VERSION = 0x84
_TOPIC_INVALID = 0x90


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSettings:
    """How to reach the broker, and what it says of us.

    password_file: holds the password alone and may be read by its owner only. tls: with ca_file (else those of the
    system) the broker's certificate is verified, always; cert_file and key_file are ours. state_topic carries *online*
    and *offline*, retained; offline is said by the broker once we were away for will_delay_s. orders_topic: where
    orders are given. session_s: how long the broker keeps orders for us while we are away.
    """

    host: str
    port: int
    client_id: str
    state_topic: str
    orders_topic: str
    online: bytes
    offline: bytes
    username: str | None = None
    password_file: Path | None = None
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    keepalive_s: int = 30  # of which a half must be longer than a ping takes
    will_delay_s: int = 30
    session_s: int = 3_600


@dataclass(frozen=True, slots=True)
class OrderGiven:
    """Somebody published to the orders topic. Acknowledge it once it is committed, else the broker gives it again."""

    payload: bytes
    number: int
    mid: int


class Mqtt:
    """Connections to one broker. All methods belong to the loop's thread.

    wake: called when `events` or `orders` has something, once until it has been asked.
    """

    def __init__(self, settings: MqttSettings, wake: Callable[[], None]) -> None:
        self._settings = settings
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._connection: _Connection | None = None
        self._events: list[PublisherEvent] = []
        self._acks: list[tuple[int, int]] = []
        self._orders: list[OrderGiven] = []
        self._woken = False
        self._hung_up = 0
        self._downgrade = False

    def connect(self, number: int) -> None:
        """Start connection *number*; what was before is dropped."""
        self._drop(clean=False)
        old = self._downgrade or self._hung_up >= _HUNG_UP
        self._downgrade = False
        if self._hung_up >= _HUNG_UP:
            self._hung_up = 0
        self._connection = _Connection(self, self._settings, number, paho.MQTTv311 if old else paho.MQTTv5)
        self._connection.start()

    def disconnect(self, number: int, clean: bool = False) -> None:
        """Drop connection *number*. clean: say goodbye, so that offline is said by us and at once."""
        if self._connection is not None and self._connection.number == number:
            self._drop(clean)

    def publish(self, publish: Publish) -> None:
        """Send with QoS 1; without a connection nothing happens, as the publisher hears that it is gone."""
        if self._connection is not None:
            self._connection.publish(publish)

    def publish_state(self, topic: str, payload: bytes) -> None:
        """Send what only counts now, such as health: QoS 0, retained, forgotten without a connection."""
        if self._connection is not None:
            self._connection.client.publish(topic, payload, 0, retain=True)

    def acknowledge(self, order: OrderGiven) -> None:
        """The order is committed; if its connection is gone, it will be given again, under the same reference."""
        if self._connection is not None and self._connection.number == order.number:
            self._connection.client.ack(order.mid, 1)

    def events(self) -> list[PublisherEvent]:
        """What happened since it was last asked."""
        self._woken = False
        events, self._events = self._events, []
        if self._acks:
            # Before what came later: a connection's end is the last that is heard of it.
            events.insert(0, Acked(self._acks))
            self._acks = []
        return events

    def orders(self) -> list[OrderGiven]:
        """What was given since it was last asked."""
        orders, self._orders = self._orders, []
        return orders

    def close(self) -> None:
        """Drop everything; nothing is heard afterwards."""
        self._drop(clean=False)
        self._wake = _nothing

    def _drop(self, clean: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.end(clean)

    # ---- from the connection

    def acked(self, handle: int, code: int) -> None:
        """A PUBACK came."""
        self._acks.append((handle, code))
        self._tell()

    def given(self, order: OrderGiven) -> None:
        """An order came."""
        self._orders.append(order)
        self._tell()

    def up(self, event: Connected) -> None:
        """The broker accepted the connection."""
        self._hung_up = 0
        self._events.append(event)
        self._tell()

    def down(self, connection: "_Connection", detail: str, hung_up: bool, too_new: bool) -> None:
        """The connection ended. hung_up: by the broker, without a CONNACK. too_new: it does not speak this MQTT."""
        if connection is not self._connection:
            return
        self._connection = None
        self._downgrade = too_new
        self._hung_up += hung_up
        self._events.append(Disconnected(number=connection.number, detail=detail))
        self._tell()

    def _tell(self) -> None:
        if not self._woken:
            self._woken = True
            self._loop.call_soon(self._wake)


class _Tls(ssl.SSLContext):
    """Remembers the socket it made: paho forgets the one whose handshake failed, without closing it."""

    made: ssl.SSLSocket | None = None

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        self.made = super().wrap_socket(*args, **options)
        return self.made


class _Connection:
    """One connection and its paho client, from the attempt to the end."""

    def __init__(self, owner: Mqtt, settings: MqttSettings, number: int, version: Any) -> None:
        self.number = number
        self._owner = owner
        self._settings = settings
        self._version = version
        self._loop = asyncio.get_running_loop()
        self._handles: dict[int, int] = {}  # by mid; as many as the publisher has in flight
        self._socket: Any = None  # once the loop watches it
        self._timer: asyncio.TimerHandle | None = None
        self._tls: _Tls | None = None
        self._heard = False
        self._heard_s = 0.0  # when the last bytes came
        self._ended = False
        self.client = self._new_client()

    def _new_client(self) -> paho.Client:
        settings = self._settings
        five = self._version == paho.MQTTv5
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            protocol=self._version,
            clean_session=None if five else False,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.suppress_exceptions = True
        client.connect_timeout = _CONNECT_S
        # The publisher bounds what is in flight; paho's own bound costs a walk over all of it for each PUBACK.
        client.max_inflight_messages_set(0)
        will = None
        if five:
            will = _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=settings.will_delay_s)
        client.will_set(settings.state_topic, settings.offline, 1, retain=True, properties=will)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        return client

    def start(self) -> None:
        threading.Thread(target=self._open, name="mqtt-connect", daemon=True).start()
        self._timer = self._loop.call_later(3 * _CONNECT_S, self._give_up)

    def publish(self, publish: Publish) -> None:
        try:
            info = self.client.publish(publish.topic, publish.payload, 1)
        except ValueError:  # a wildcard or too long a topic: the broker would say the same
            self._owner.acked(publish.handle, _TOPIC_INVALID)
            return
        self._handles[info.mid] = publish.handle

    def end(self, clean: bool) -> None:
        """Nothing is heard of this connection from now on."""
        if self._ended:
            return
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        if clean and self._socket is not None:  # without a socket the thread closes what it opened
            self.client.publish(self._settings.state_topic, self._settings.offline, 0, retain=True)
            self.client.disconnect()
            self.client.loop_write()
        self._close()

    def _close(self) -> None:
        """Let go of the socket without another word."""
        watched = self._socket
        if watched is not None:
            self._on_socket_close(self.client, None, watched)
            watched.close()

    # ---- in the connecting thread

    def _open(self) -> None:
        detail = None
        try:
            self._login()
            properties = None
            if self._version == paho.MQTTv5:
                properties = _properties(
                    PacketTypes.CONNECT,
                    SessionExpiryInterval=self._settings.session_s,
                    ReceiveMaximum=_ORDERS_OPEN,
                    MaximumPacketSize=_ORDER_PACKET_BYTES,
                )
            self.client.connect(
                self._settings.host,
                self._settings.port,
                self._settings.keepalive_s,
                clean_start=False if properties else paho.MQTT_CLEAN_START_FIRST_ONLY,
                properties=properties,
            )
        except Exception as error:
            # Whatever it is, the broker is not reached: it is said, the records wait, and it is tried again.
            detail = _why(error, self._settings)
            if self._tls is not None and self._tls.made is not None:
                self._tls.made.close()
        with contextlib.suppress(RuntimeError):  # the loop is closed: the program ends
            self._loop.call_soon_threadsafe(self._opened, detail)

    def _login(self) -> None:
        """Read what may have changed since the last time: the password and the certificates."""
        settings = self._settings
        if settings.username is not None:
            password = None if settings.password_file is None else _read_secret(settings.password_file)
            self.client.username_pw_set(settings.username, password)
        if settings.tls:
            self._tls = _Tls(ssl.PROTOCOL_TLS_CLIENT)  # which verifies certificate and name
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
            if settings.ca_file is not None:
                self._tls.load_verify_locations(settings.ca_file)
            else:
                self._tls.load_default_certs()
            if settings.cert_file is not None:
                self._tls.load_cert_chain(settings.cert_file, settings.key_file)
            self.client.tls_set_context(self._tls)

    # ---- in the loop

    def _opened(self, detail: str | None) -> None:
        watched: Any = self.client.socket()
        if self._ended:
            if watched is not None:
                watched.close()
        elif detail is not None or watched is None:
            self._down(detail or "the connection was closed at once")
        else:
            watched.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = watched
            assert self._timer is not None
            self._timer.cancel()
            self._timer = self._loop.call_later(_CONNACK_S, self._give_up)
            self._loop.add_reader(watched, self._readable)
            self._loop.add_writer(watched, self._writable)

    def _give_up(self) -> None:
        self._down(f"{_where(self._settings)} does not answer")

    def _readable(self) -> None:
        self._heard_s = self._loop.time()
        self._work(self.client.loop_read)
        # TLS may hold what the socket no longer shows.
        while self._socket is not None and self._settings.tls and self._socket.pending():
            self._work(self.client.loop_read)

    def _writable(self) -> None:
        self._work(self.client.loop_write)

    def _misc(self) -> None:
        # A broker that is there answers pings, so one that says nothing is not, whatever TCP believes.
        if self._loop.time() - self._heard_s > _SILENT * self._settings.keepalive_s - _MISC_S:
            self._down(f"{_where(self._settings)} has not said anything for a while, not even to a ping")
            return
        self._timer = self._loop.call_later(_MISC_S, self._misc)
        self._work(self.client.loop_misc)

    def _work(self, step: Callable[[], object]) -> None:
        """Let paho do a step. Should it stumble over what the broker sent, the connection ends and a new one comes."""
        try:
            step()
        except Exception as error:
            _log.warning("paho-mqtt failed, a new connection follows", exc_info=True)
            self._down(_why(error, self._settings))
            self._close()

    def _down(self, detail: str, hung_up: bool = False, too_new: bool = False) -> None:
        if self._ended:
            return
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        self._owner.down(self, detail, hung_up, too_new)
        self._loop.call_soon(self._close)  # paho may be in the middle of its own work

    # ---- paho's callbacks

    def _on_connect(
        self, client: paho.Client, _userdata: Any, _flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        if self._ended:
            return
        self._heard = True
        where = _where(self._settings)
        if reason.is_failure:
            self._down(f"{where} refused us: {reason}", too_new=reason.value == _UNSUPPORTED_VERSION)
            return
        if getattr(properties, "MaximumQoS", 1) == 0:
            self._down(f"{where} takes QoS 0 only, which loses records; expected a broker with QoS 1")
            return
        assert self._timer is not None
        self._timer.cancel()
        self._timer = self._loop.call_later(_MISC_S, self._misc)
        client.publish(self._settings.state_topic, self._settings.online, 0, retain=True)
        client.subscribe(self._settings.orders_topic, 1)
        self._owner.up(
            Connected(
                number=self.number,
                max_packet=getattr(properties, "MaximumPacketSize", None),
                receive_max=getattr(properties, "ReceiveMaximum", None),
            )
        )

    def _on_subscribe(
        self, _client: paho.Client, _userdata: Any, _mid: int, reasons: list[ReasonCode], _props: Any
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            where, topic = _where(self._settings), self._settings.orders_topic
            _log.warning("%s does not let us read %s: no order can be given there", where, topic)

    def _on_disconnect(
        self, _client: paho.Client, _userdata: Any, _flags: Any, reason: ReasonCode, _props: Any
    ) -> None:
        said = f"it said '{reason}'"
        if reason == "Unspecified error":  # paho's word for an end without a DISCONNECT
            said = "it hung up" if self._heard else "it hung up before it answered"
        self._down(f"{_where(self._settings)}: {said}", hung_up=not self._heard)

    def _on_publish(self, _client: paho.Client, _userdata: Any, mid: int, reason: ReasonCode, _props: Any) -> None:
        handle = self._handles.pop(mid, None)
        if handle is not None and not self._ended:
            self._owner.acked(handle, reason.value)

    def _on_message(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        if not self._ended and message.qos == 1 and not message.retain:
            self._owner.given(OrderGiven(bytes(message.payload), self.number, message.mid))
        elif message.qos == 1:  # retained: an order from who knows when
            self.client.ack(message.mid, 1)

    def _on_socket_close(self, _client: paho.Client, _userdata: Any, closing: Any) -> None:
        if self._socket is not None:
            self._loop.remove_reader(closing)
            self._loop.remove_writer(closing)
            self._socket = None

    def _on_register_write(self, _client: paho.Client, _userdata: Any, _socket: Any) -> None:
        if self._socket is not None:
            self._loop.add_writer(self._socket, self._writable)

    def _on_unregister_write(self, _client: paho.Client, _userdata: Any, watched: Any) -> None:
        if self._socket is not None:
            self._loop.remove_writer(watched)


def _properties(packet_type: int, **values: int) -> Properties:
    """MQTT 5 properties of a packet, by paho's names."""
    properties = Properties(packet_type)  # type: ignore[no-untyped-call]  # paho left this one untyped
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def _read_secret(path: Path) -> str:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise PermissionError(f"{path} may be read by others (mode {mode:04o}); chmod 600 it")
    return path.read_text(encoding="utf-8").strip()


def _where(settings: MqttSettings) -> str:
    return f"broker {settings.host}:{settings.port}"


def _why(error: Exception, settings: MqttSettings) -> str:
    """A sentence that names the cause and what to do."""
    where = _where(settings)
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = ": is the clock right?" if "valid" in error.verify_message or "expired" in error.verify_message else ""
        return f"{where}: its certificate was not accepted ({error.verify_message.rstrip('.')}){hint}"
    if isinstance(error, ssl.SSLError):
        return f"{where}: TLS failed ({error.reason or error})"
    if isinstance(error, socket.gaierror):
        return f"{where}: no such name, or no name server ({error.strerror})"
    if isinstance(error, TimeoutError):
        return f"{where} does not answer"
    if isinstance(error, OSError):
        return f"{where}: {error.strerror or error}"
    return f"{where}: {type(error).__name__}: {error}"


def _nothing() -> None:
    pass
