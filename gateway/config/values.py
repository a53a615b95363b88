"""The sections of `gateway.toml` as frozen values: each key's type, bounds, safe default, and what to write instead.

Annotations say it all: `annotated_types` bounds a value, `Wants` says in words what is accepted. The loader hands both
to pydantic; nothing here imports it, so that a running gateway does not carry its 11 MB.
"""

import ipaddress
import re
import zoneinfo
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len, Predicate

from gateway.governance.dataset import Dataset, Sharing
from protocol.errors import FrameError
from protocol.lorawan.eui import eui_from_text
from protocol.region import MAX_RX1_DR_OFFSET, Plan, plan_named

SOCKET = Path("/run/lampyre/api.sock")
FOLDER = Path("/var/lib/lampyre")


@dataclass(frozen=True, slots=True)
class Wants:
    """What a key accepts, to end the sentence `write …`, and a line that would do."""

    text: str
    example: str


def is_insee(text: str) -> bool:
    """Whether *text* has the form of an INSEE code of a commune: five digits, or 2A, 2B and three digits."""
    return re.fullmatch(r"(?:\d{2}|2[AB])\d{3}", text) is not None


def is_timezone(text: str) -> bool:
    """Whether this machine's time zone database knows *text*."""
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def is_eui(text: str) -> bool:
    """Whether *text* is an EUI in the printed form."""
    try:
        return any(eui_from_text(text, "EUI"))
    except FrameError:
        return False


def is_address(text: str) -> bool:
    """Whether *text* is `IP:port` or `[IPv6]:port`, so that no name has to be resolved to listen."""
    try:
        address_of(text)
    except ValueError:
        return False
    return True


def address_of(text: str) -> tuple[str, int]:
    """(host, port) of `IP:port`. Raises ValueError for anything else."""
    host, colon, port = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    ipaddress.ip_address(host)
    if not colon or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"'{text}' has no port 1..65535")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine and nobody else: `localhost` or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    return re.fullmatch(r"(?:[01]\d|2[0-3]):[0-5]\d", text) is not None


def _is_name(text: str) -> bool:
    return re.fullmatch(r"[^\s:]{1,255}", text) is not None


def _is_prefix(text: str) -> bool:
    """A first level, or several, of MQTT topics: no wildcards, no empty level, not the broker's own `$`."""
    return re.fullmatch(r"[^\s+#/$][^\s+#/]*(?:/[^\s+#/]+)*", text) is not None and len(text) <= 100


def _is_path(path: Path) -> bool:
    return path.is_absolute()


Text = Annotated[str, Len(1, 200)]
AbsolutePath = Annotated[Path, Predicate(_is_path)]
Eui = Annotated[str, Predicate(is_eui)]
_PATH = "an absolute path in quotes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where this gateway stands, and for whom. Degrees are WGS 84."""

    insee: Annotated[
        str, Predicate(is_insee), Wants("the commune's INSEE code, five characters in quotes", 'insee = "92002"')
    ]
    name: Annotated[Text, Wants("a name in quotes", 'name = "Antony, rue Auguste-Mounié"')]
    latitude_deg: Annotated[
        float, Ge(-90), Le(90), Wants("degrees north, -90..90, without quotes", "latitude_deg = 48.7536")
    ]
    longitude_deg: Annotated[
        float, Ge(-180), Le(180), Wants("degrees east, -180..180, without quotes", "longitude_deg = 2.2975")
    ]
    timezone: Annotated[
        str, Predicate(is_timezone), Wants("a time zone in quotes, as Europe/Paris", 'timezone = "Europe/Paris"')
    ] = "Europe/Paris"

    @property
    def almanac_key(self) -> str:
        """What the sun and the holidays here depend on."""
        return f"{self.latitude_deg} {self.longitude_deg} {self.timezone} {self.insee}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Where everything is kept, and how much of the disk it may take. Sizes in MB of 10^6 bytes.

    reserve_mb: kept free on the disk, so that deleting succeeds when it is full. backup_at: local time of the daily
    backup; backup_folder None: `backups` in *folder*, where it survives a mistake but not the card.
    """

    folder: Annotated[AbsolutePath, Wants(_PATH, 'folder = "/var/lib/lampyre"')] = FOLDER
    max_disk_mb: Annotated[
        int, Ge(50), Le(10_000_000), Wants("megabytes, 50 or more, without quotes", "max_disk_mb = 4000")
    ] = 4000
    reserve_mb: Annotated[
        int, Ge(16), Le(1_000_000), Wants("megabytes, 16 or more, without quotes", "reserve_mb = 200")
    ] = 200
    backup_at: Annotated[
        str, Predicate(_is_time), Wants('a local time in quotes, "00:00".."23:59"', 'backup_at = "03:30"')
    ] = "03:30"
    backup_keep: Annotated[int, Ge(1), Le(366), Wants("how many, 1..366, without quotes", "backup_keep = 7")] = 7
    backup_folder: Annotated[AbsolutePath | None, Wants(_PATH, 'backup_folder = "/media/usb/lampyre"')] = None

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "gateway.sqlite"

    @property
    def backups(self) -> Path:
        """The folder of the daily backups."""
        return self.backup_folder or self.folder / "backups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What the network server tells nodes. rx_delay_s: 5 leaves a stalling SD card its time; 1 needs a good disk."""

    plan: Annotated[Literal["full", "single-channel"], Wants('"full" or "single-channel"', 'plan = "full"')] = "full"
    net_id: Annotated[
        str,
        Predicate(lambda text: re.fullmatch("[0-9A-Fa-f]{6}", text) is not None),
        Wants('six hex digits in quotes; "000000" and "000001" are for private networks', 'net_id = "000000"'),
    ] = "000000"
    rx_delay_s: Annotated[int, Ge(1), Le(15), Wants("seconds, 1..15, without quotes", "rx_delay_s = 5")] = 5
    rx1_dr_offset: Annotated[
        int, Ge(0), Le(MAX_RX1_DR_OFFSET), Wants("a number 0..5 without quotes", "rx1_dr_offset = 0")
    ] = 0
    rx2_dr: Annotated[int, Ge(0), Le(5), Wants("a data rate 0..5 without quotes", "rx2_dr = 3")] = 3

    @property
    def channel_plan(self) -> Plan:
        """The plan with this name."""
        return plan_named(self.plan)

    @property
    def net_id_number(self) -> int:
        """NetID as the number that joins carry."""
        return int(self.net_id, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Udp:
    """Packet forwarders that speak Semtech UDP. It has no authentication: loopback, and a list, are its only doors."""

    gateways: Annotated[
        tuple[Eui, ...],
        Len(1, 64),
        Wants("a list of the gateway EUIs you expect, 16 hex digits each", 'gateways = ["aa555a0000000101"]'),
    ]
    listen: Annotated[
        str,
        Predicate(is_address),
        Wants('an IP address and a port in quotes, as "127.0.0.1:1700"', 'listen = "127.0.0.1:1700"'),
    ] = "127.0.0.1:1700"

    @property
    def address(self) -> tuple[str, int]:
        """(host, port) to bind."""
        return address_of(self.listen)

    @property
    def gateway_euis(self) -> tuple[bytes, ...]:
        """The EUIs that may speak, as printed."""
        return tuple(eui_from_text(text, "gateway EUI") for text in self.gateways)


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialPort:
    """A bridge or wired node on a cable. port: best by `/dev/serial/by-id/…`, which survives re-plugging."""

    port: Annotated[
        AbsolutePath,
        Wants("an absolute path in quotes, best one below /dev/serial/by-id/", 'port = "/dev/serial/by-id/usb-…"'),
    ]
    baud: Annotated[int, Ge(9600), Le(3_000_000), Wants("9600..3000000 without quotes", "baud = 115200")] = 115200


@dataclass(frozen=True, slots=True, kw_only=True)
class Mqtt:
    """The broker. audience: who can read there; it bounds which datasets leave by this door.

    live_batch: readings that may share a message when several wait; 1: each has its own, on its place's topic.
    tls: False is accepted for a broker on this machine only. ca: a PEM file; None: the system's authorities.
    """

    host: Annotated[
        str, Predicate(_is_name), Wants("a host name or address in quotes, without port", 'host = "localhost"')
    ]
    audience: Annotated[
        Literal["open", "partners", "internal"],
        Wants(
            'who can read this broker: "open" (anybody), "partners" or "internal" (the city alone)',
            'audience = "internal"',
        ),
    ]
    port: Annotated[int | None, Ge(1), Le(65535), Wants("a number 1..65535 without quotes", "port = 8883")] = None
    prefix: Annotated[
        str, Predicate(_is_prefix), Wants("the first level of all topics in quotes", 'prefix = "lampyre"')
    ] = "lampyre"
    live_batch: Annotated[
        int, Ge(1), Le(50), Wants("readings in one message, 1..50, without quotes", "live_batch = 1")
    ] = 1
    client_id: Annotated[
        str | None, Len(1, 23), Wants("at most 23 characters in quotes", 'client_id = "cabinet-12"')
    ] = None
    tls: Annotated[bool, Wants("true, or false for a broker on this machine", "tls = true")] = True
    ca: Annotated[AbsolutePath | None, Wants(_PATH, 'ca = "/etc/lampyre/ca.pem"')] = None
    cert: Annotated[AbsolutePath | None, Wants(_PATH, 'cert = "/etc/lampyre/client.pem"')] = None
    key: Annotated[AbsolutePath | None, Wants(_PATH, 'key = "/etc/lampyre/client.key"')] = None
    username: Annotated[Text | None, Wants("a name in quotes", 'username = "cabinet-12"')] = None
    password_file: Annotated[
        AbsolutePath | None,
        Wants("the absolute path of a file that holds the password alone", 'password_file = "/etc/lampyre/mqtt"'),
    ] = field(default=None, repr=False)

    @property
    def door(self) -> Sharing:
        """The class of this door's readers."""
        return Sharing[self.audience.upper()]

    @property
    def broker_port(self) -> int:
        """The port given, or MQTT's own with and without TLS."""
        return self.port or (8883 if self.tls else 1883)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lighting:
    """What holds for all lamps. floor_pct: no override of a group or of the site goes below it; as in the lamps."""

    floor_pct: Annotated[int, Ge(0), Le(100), Wants("percent, 0..100, without quotes", "floor_pct = 30")] = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a lamp took before, as an energy-performance contract declares it: every night, at full light.

    watts: of one lamp with its ballast. group: `site`, `zone/<name>` or `group/<name>`; the first that fits counts.
    on_after_sunset_min, off_after_sunrise_min: when lamps were switched; negative is before.
    """

    watts: Annotated[float, Ge(1), Le(2000), Wants("watts of one lamp with its ballast, 1..2000", "watts = 117.0")]
    group: Annotated[
        str, Len(1, 80), Wants('"site", "zone/<name>" or "group/<name>", in quotes', 'group = "zone/centre"')
    ] = "site"
    on_after_sunset_min: Annotated[int, Ge(-120), Le(120), Wants("minutes, -120..120", "on_after_sunset_min = 0")] = 0
    off_after_sunrise_min: Annotated[
        int, Ge(-120), Le(120), Wants("minutes, -120..120", "off_after_sunrise_min = 0")
    ] = 0

    def taken_wh(self, heads: int, dark_s: int) -> float:
        """What a post with so many lamps would have taken in a night of *dark_s* from sunset to sunrise."""
        lit_s = dark_s + 60 * (self.off_after_sunrise_min - self.on_after_sunset_min)
        return self.watts * heads * max(0, lit_s) / 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The local API: whoever may open the socket may command the gateway, so nobody else may."""

    socket: Annotated[AbsolutePath, Wants(_PATH, 'socket = "/run/lampyre/api.sock"')] = SOCKET
    mode: Annotated[
        Literal["0600", "0660"], Wants('"0600" (its user alone) or "0660" (and a group)', 'mode = "0660"')
    ] = "0660"
    group: Annotated[Text | None, Wants("the name of a group in quotes", 'group = "lampyre"')] = None

    @property
    def permissions(self) -> int:
        """The mode as a number."""
        return int(self.mode, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """When this machine's clock is believed: once the kernel says it is synchronised, or (with an RTC) always."""

    trust: Annotated[Literal["kernel", "always"], Wants('"kernel" or "always"', 'trust = "kernel"')] = "kernel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Prometheus figures, on this machine only: a collector comes by an agent or a tunnel."""

    listen: Annotated[
        str,
        Predicate(lambda text: is_address(text) and is_loopback(address_of(text)[0])),
        Wants('a loopback address and a port in quotes, as "127.0.0.1:9108"', 'listen = "127.0.0.1:9108"'),
    ] = "127.0.0.1:9108"

    @property
    def address(self) -> tuple[str, int]:
        """(host, port) to bind."""
        return address_of(self.listen)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSection:
    """What the city decides of one dataset. None: as `governance.defaults` has it; nothing is open by default."""

    sharing: Annotated[
        Literal["open", "partners", "internal"], Wants('"open", "partners" or "internal"', 'sharing = "internal"')
    ] = "internal"
    owner: Annotated[Text | None, Wants("who answers for this data, in quotes", 'owner = "Ville d’Antony"')] = None
    licence: Annotated[Text | None, Wants('a licence in quotes, as "etalab-2.0"', 'licence = "etalab-2.0"')] = None
    retention_days: Annotated[
        int | None, Ge(1), Le(36_600), Wants("days, 1 or more, without quotes", "retention_days = 400")
    ] = None
    freshness_s: Annotated[
        int | None, Ge(10), Le(31_536_000), Wants("seconds, 10 or more, without quotes", "freshness_s = 3600")
    ] = None

    def over(self, default: Dataset) -> Dataset:
        """The dataset *default* as the city wants it."""
        return Dataset(
            name=default.name,
            owner=self.owner or default.owner,
            licence=self.licence or "",
            sharing=Sharing[self.sharing.upper()],
            retention_days=self.retention_days or default.retention_days,
            freshness_s=self.freshness_s or default.freshness_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of it. None: the section is absent, and so is what it would open.

    datasets: every one there is; those the file does not name are internal and belong to the site's name.
    """

    path: Path
    site: Site
    store: Store
    network: Network
    lighting: Lighting
    udp: Udp | None
    serial: tuple[SerialPort, ...]
    mqtt: Mqtt | None
    api: Api
    clock: Clock
    metrics: Metrics | None
    datasets: tuple[Dataset, ...]
    baselines: tuple[Baseline, ...] = ()
