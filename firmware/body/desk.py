"""The technician's commands: each is a line, and answers in lines. Loaded when one comes.

help                      what there is
status                    what the node is and how it does
test                      the self-test: a row for each part, `ok` or what is wrong
get [NAME]                settings, all or one
set NAME VALUE …          change settings; they hold from the next restart on
log [COUNT]               the newest records, 20 if not told otherwise
update begin              empty the other slot
update file NAME          begin a file of it
update put BASE64         write the next bytes of that file, 512 at most
update stage              check all of it against its manifest; from the next restart on it is tried
forget yes                forget network, log and learnt state, as for another place; counters and keys stay
restart                   begin anew
repl                      end the program and give the prompt, where Ctrl-C is no key but a byte
"""

from binascii import a2b_base64, hexlify

from protocol.compat import const
from protocol.errors import MessageError, ProtocolError, SettingsError
from protocol.settings import ROLES, SETTINGS, Settings, number_of

from ..store.files import Files

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..store.log import Record
    from .being import Being

_SHOWN = const(20)
_MOST_SHOWN = const(500)
_CHUNK = const(512)
_LEARNT = ("session", "mc0", "mc1", "mc2", "mc3", "orders", "bays", "programme", "light", "error", "plan")
_OF_PLACE = ("dev_eui", "join_eui", "link", "activation", "plan")


def answer(being: "Being", line: str) -> "Iterator[str]":
    """The lines that answer *line*, to be taken one by one; what is wrong is raised, with the sentence to show."""
    words = line.split()
    if not words:
        return
    command = words[0]
    if command == "help":
        yield "status | test | get [NAME] | set NAME VALUE ... | log [COUNT] | restart | repl | forget yes"
        yield "update begin | update file NAME | update put BASE64 | update stage"
    elif command == "status":
        yield from being.states()
    elif command == "test":
        for name, wrong in being.tests():
            yield "%-10s %s" % (name, wrong or "ok")
    elif command == "get":
        yield from _get(being, words[1:])
    elif command == "set":
        yield _set(being, words[1:])
    elif command == "log":
        yield from _log(being, words[1:])
    elif command == "update":
        yield _update(being, words[1:])
    elif command == "forget":
        _forget(being, words[1:])
        yield "forgotten; restarting"
        being.restart()
    elif command == "restart":
        yield "restarting"
        being.restart()
    elif command == "repl":
        being.hardware.port.binary(False)
        raise KeyboardInterrupt
    else:
        raise MessageError(f"there is no command '{command[:20]}'; help shows those there are")


def _settings(being: "Being") -> Settings:
    stored = being.kept.blob("settings")
    if not stored:
        raise SettingsError("there are no settings yet: set role and dev_eui at once, or flash the node")
    return Settings.decode(stored)


def _shown(number: int, value: object) -> object:
    """A value as a settings file has it."""
    high = SETTINGS[number][4]
    if isinstance(value, bytes):
        return hexlify(value).decode()
    if isinstance(high, tuple) and isinstance(value, int):
        return high[value]
    return value


def _get(being: "Being", names: list[str]) -> "Iterator[str]":
    settings = _settings(being)
    for number, row in enumerate(SETTINGS):
        if row[1] >> settings.role & 1 and (not names or row[0] in names):
            yield f"{row[0]} = {_shown(number, getattr(settings, row[0]))}"
    for name in names:
        if number_of(name) is None:
            raise MessageError(f"there is no setting '{name[:20]}'")


def _set(being: "Being", words: list[str]) -> str:
    if not words or len(words) % 2:
        raise MessageError("set takes names and values in turn, such as: set heartbeat_s 600")
    given: dict[str, object] = {}
    changes = {words[at]: words[at + 1] for at in range(0, len(words), 2)}
    try:
        before = _settings(being)
    except ProtocolError:  # none, or none that can be read: they are given anew
        before = None
    if before is not None:
        moves = changes.get("role", ROLES[before.role]) != ROLES[before.role]
        for number, row in enumerate(SETTINGS):
            name = row[0]
            if row[1] >> before.role & 1 and (name in _OF_PLACE if moves else True):
                given[name] = _shown(number, getattr(before, name))
        if before.activation == 0:
            given.pop("rx_delay_s", None)  # what an OTAA node is told as it joins
            given.pop("rx2_dr", None)
    for name in sorted(changes):
        text = changes[name]
        given[name] = int(text) if text.isdigit() and len(text) < 10 else text
    settings = Settings.from_names(given)
    if not being.kept.put("settings", settings.encode()):
        raise MessageError("the settings could not be written: the flash does not take them")
    return "from the next restart on"


def _log(being: "Being", words: list[str]) -> "Iterator[str]":
    log = being.log
    if log is None:
        raise MessageError("there is no log here")
    count = _SHOWN
    if words:
        if not words[0].isdigit() or not 0 < int(words[0]) <= _MOST_SHOWN:
            raise MessageError(f"log takes a number of records, 1..{_MOST_SHOWN}")
        count = int(words[0])
    yield f"epoch {log.epoch}, next seq {log.next_seq}"
    first = max(log.next_seq - count, 0)
    while first < log.next_seq:  # a segment in memory at a time, and other turns in between
        found = None
        for record in log.find(first, log.next_seq - first):
            found = record
            break
        if found is None:
            return
        first = max(found.after(), first + 1)
        yield _row(found)


def _row(record: "Record") -> str:
    what = "event" if record.kind else "set"
    values = " ".join(["-" if value is None else str(value) for value in record.values])
    return f"{record.seq} boot {record.boot} uptime_s {record.uptime_s} {what} {record.number}: {values}"


def _forget(being: "Being", words: list[str]) -> None:
    if words != ["yes"]:
        raise MessageError("forget erases the log and all that the node learnt; write: forget yes")
    for key in _LEARNT:
        being.kept.erase(key)
    try:
        files = Files(being.hardware.root + "/log")
        for name in files.names():
            files.remove(name)
    except OSError as error:
        raise MessageError(f"the log could not be erased ({error})")


# An update over the cable.


def _update(being: "Being", words: list[str]) -> str:
    from ..store.slots import Slots

    slots = Slots(being.kept.number("boot"), being.kept.number("floor"))
    spare = slots.spare()
    if not spare:
        raise MessageError("update: one is on trial already; wait until it is confirmed or taken back")
    folder = being.hardware.root + spare
    step, argument = (words + ["", ""])[:2]
    try:
        if step == "begin":
            files = Files(folder)
            for name in files.walk():
                files.remove(name)
            being.updating = ""
            return f"slot {spare} is empty"
        if step == "file":
            being.updating = _begun(folder, argument)
            return argument
        if step == "put":
            return _put(being, folder, argument)
        if step == "stage":
            actions = slots.stage(Files(folder), being.kept.blob("update_key"))
            for action in actions:
                if not being.carry(action):
                    raise MessageError("update: the flash does not take it; it is not staged")
            return f"slot {spare} is tried from the next restart on"
    except OSError as error:
        raise MessageError(f"update: the flash does not take it ({error}); is it full?")
    raise MessageError("update takes begin, file NAME, put BASE64 or stage")


def _begun(folder: str, name: str) -> str:
    """Make way for a file; returns its name."""
    parts = name.split("/")
    if not name or "" in parts or "." in parts or ".." in parts:
        raise MessageError(f"update: '{name[:64]}' is no file's name inside the slot")
    for depth in range(len(parts)):
        files = Files("/".join([folder] + parts[:depth]))  # makes the folders on the way
    if parts[-1] in files.names():
        files.remove(parts[-1])
    files.append(parts[-1], b"")
    return name


def _put(being: "Being", folder: str, text: str) -> str:
    if not being.updating:
        raise MessageError("update: no file was begun; write: update file NAME")
    try:
        data = a2b_base64(text.encode())
    except ValueError:
        raise MessageError("update: that was no base64; send the file once more, from its beginning")
    if len(data) > _CHUNK:
        raise MessageError(f"update: {len(data)} bytes at once; expected at most {_CHUNK}")
    Files(folder).append(being.updating, data)
    return str(len(data))
