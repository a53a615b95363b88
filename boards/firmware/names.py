"""Short names for what the node's sources define, shared by what can never meet.

MicroPython keeps every name of a program for ever, also when the module is gone: its letters, 7 bytes to find it by,
and its letters once more in each .mpy. So what sources define is called `_a`, `_b`, … there. Two names become the same
one where nothing can tell the difference: no file has both, or one stands only for attributes and the other only for
globals. A class may get attributes from all files of its bases, so those count as one file.

A name stays as it is when something other than these sources may know it: MicroPython and its modules (which also
costs nothing, for then MicroPython has it already), strings, of which one may reach `getattr`, and f-strings, of which
CPython 3.11 does not say where in the line their names are. Names of errors stay for whoever reads a crash report,
which gives file and line of this repository. Arguments and locals are not looked at: compiled code has no names for
locals, and arguments are `lean.py`'s.
"""

import ast
import binascii
import builtins
import collections
import errno
import gc
import hashlib
import io
import json
import math
import os
import re
import select
import struct
import sys
import time
import types
from collections.abc import Iterable, Iterator, Mapping

GLOBAL = 0  # kinds of names
ATTRIBUTE = 1

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_CONST = "const"
_ERROR = "Error"
_WORD = re.compile(r"[A-Za-z_]\w*")
_MODULES = (binascii, builtins, collections, errno, gc, hashlib, io, json, math, os, re, select, struct, sys, time)
_WITH_TYPES = (builtins, collections, io)  # those whose types MicroPython has too
_TYPES = (types.GeneratorType, type(hashlib.sha256()))
# Of MicroPython's own modules, as its documentation has them (library/machine.html and the pages below it).
_HARDWARE = """
    aes encrypt decrypt const native viper asm_xtensawin schedule mem_info qstr_info heap_lock heap_unlock kbd_intr
    alloc_emergency_exception_buf opt_level stack_use ticks_ms ticks_us ticks_cpu ticks_add ticks_diff sleep_ms
    sleep_us time_pulse_us bitstream disable_irq enable_irq freq idle lightsleep deepsleep reset soft_reset
    bootloader reset_cause wake_reason unique_id rng mem8 mem16 mem32 mem_alloc mem_free threshold Pin Signal ADC
    ADCBlock DAC PWM UART SPI SoftSPI I2C SoftI2C I2S RTC Timer WDT SDCard CAN USBDevice Counter Encoder init deinit
    value on off low high mode pull drive irq flags trigger toggle feed alarm alarm_left cancel memory datetime
    callback period channel read read_u16 read_uv atten width block connect duty duty_u16 duty_ns read_timed
    write_timed any readinto readline write txdone sendbreak flush write_readinto readfrom readfrom_into writeto
    writevto readfrom_mem readfrom_mem_into writeto_mem scan start stop readbit writebit writebyte readbyte NVS
    Partition RMT ULP PCNT wake_on_ext0 wake_on_ext1 wake_on_touch wake_on_ulp wake_on_gpio gpio_deep_sleep_hold
    raw_temperature mcu_temperature idf_heap_info get_i32 set_i32 get_blob set_blob erase_key commit readblocks
    writeblocks ioctl mark_app_valid_cancel_rollback find get_next_update set_boot get_running mount umount VfsLfs2
    VfsFat mkfs AbstractBlockDev NeoPixel OneWire fill get_all memaddress sizeof addressof bytes_at bytearray_at
    IRQ_RISING IRQ_FALLING write_pulses wait_done
    struct native_code register unregister modify ipoll poll main run create_task sleep gather wait_for Event Lock
"""


# Some names that every MicroPython has, and none of Python's own functions: to be called so costs nothing.
IN_ROM = """
    e pi add cos exp get log pop sep sin sub tan acos asin atan ceil copy cosh dump fabs find fmod join keys load
    log2 modf pack poll seed seek send sinh sort sqrt stat step stop tanh tell time array atan2 chdir clear count
    crc32 deque dumps floor flush frexp index isinf isnan items ldexp loads log10 lower match mkdir mount rfind
    rmdir sleep split start strip throw trunc union upper append center choice decode digest enable encode extend
    getcwd gmtime insert lstrip mktime random remove rename rindex rsplit rstrip search select sizeof struct umount
    unlink unpack update values a2b_hex b2a_hex collect degrees disable discard fromhex heapify heappop hexlify
    isalpha isclose isdigit islower isspace isupper listdir maxsize popitem popleft radians randint replace reverse
    uniform bytes_at calcsize copysign endswith execfile fromkeys getvalue heappush ilistdir isfinite issubset
    kbd_intr mem_free mem_info schedule sleep_ms sleep_us strftime ticks_ms ticks_us to_bytes addressof byteorder
    errorcode heap_lock isenabled localtime mem_alloc opt_level pack_into partition qstr_info randrange stack_use
    threshold ticks_add ticks_cpu unhexlify a2b_base64 appendleft b2a_base64 difference from_bytes isdisjoint
    issuperset namedtuple pend_throw rpartition setdefault splitlines startswith ticks_diff defaultdict getrandbits
    heap_unlock unpack_from bytearray_at intersection version_info table_a2b_base64 table_b2a_base64
    difference_update intersection_update symmetric_difference symmetric_difference_update
"""


def foreign_names() -> frozenset[str]:
    """Names of what is not ours: of Python's own types and modules, as far as MicroPython has them, and its own."""
    found = set(_HARDWARE.split())
    for thing in (*_MODULES, *_TYPES, *[each for module in _WITH_TYPES for each in vars(module).values()]):
        found.update(dir(thing))
    return frozenset(found)


def short_names(trees: Mapping[str, ast.Module], bases: Mapping[str, str], known: Iterable[str]) -> dict[str, str]:
    """What to call each name instead, for all trees, by module name.

    bases: of each module the name of the group of modules that count as one file. known: names that stay.
    """
    kept = foreign_names() | set(known)
    packages = {module.partition(".")[0] for module in trees}
    places: dict[str, set[tuple[str, int]]] = {}
    defined: set[str] = set()
    for module, tree in trees.items():
        kept |= set(module.split(".")) | _in_strings(tree) | _constants(tree) | _imported(tree, packages)
        defined |= _defined(tree)
        for _, name, kind in occurrences(tree):
            places.setdefault(name, set()).add((bases[module], kind))
    short: dict[str, str] = {}
    taken: dict[str, set[tuple[str, int]]] = {}
    for name in sorted(places, key=lambda name: (-len(places[name]), name)):
        if name in defined - kept and not name.endswith(("__", _ERROR)):
            number = 0
            while taken.setdefault(numbered(number), set()) & places[name]:
                number += 1
            short[name] = numbered(number)
            taken[short[name]] |= places[name]
    return short


def occurrences(tree: ast.Module) -> Iterator[tuple[ast.AST, str, int]]:
    """Where *tree* says a name that is neither local nor an argument: node, name and kind.

    The node is a Name, Attribute, FunctionDef or ClassDef, or the alias of an import.
    """
    yield from _inside(tree.body, frozenset(), None)


def _inside(
    nodes: Iterable[ast.AST], local: frozenset[str], members: frozenset[str] | None
) -> Iterator[tuple[ast.AST, str, int]]:
    """local: names of the functions around. members: of the class directly around, None elsewhere."""
    for node in nodes:
        if is_for_mypy(node):
            continue
        name = _bare_name(node)
        if name and name not in local:
            if members is None or name not in members:
                yield node, name, GLOBAL
            if members is not None:  # a class looks at its own names first
                yield node, name, ATTRIBUTE
        if isinstance(node, ast.alias):
            yield node, node.name, GLOBAL
            if node.asname and node.asname not in local:
                yield node, node.asname, GLOBAL
        elif isinstance(node, ast.ClassDef):
            yield from _inside([*node.decorator_list, *node.bases], local, members)
            yield from _inside(node.body, local, frozenset(bound(node.body)))
        elif isinstance(node, ast.FunctionDef | ast.Lambda):
            before, after = _around_and_in(node)
            own = {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)} | bound(after)
            yield from _inside(before, local, members)
            yield from _inside(after, local | own, None)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            raise ValueError("global and nonlocal are not followed: bind names in their own scope")
        else:
            if isinstance(node, ast.Attribute):
                yield node, node.attr, ATTRIBUTE
            yield from _inside(ast.iter_child_nodes(node), local, members)


def _bare_name(node: ast.AST) -> str:
    """The name of a Name or of a definition."""
    if isinstance(node, ast.Name):
        return node.id
    return node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else ""


def _around_and_in(node: ast.FunctionDef | ast.Lambda) -> tuple[list[ast.expr], list[ast.AST]]:
    """What of a function runs where it is defined, and what runs when it is called."""
    around = [default for default in [*node.args.defaults, *node.args.kw_defaults] if default is not None]
    if isinstance(node, ast.FunctionDef):
        return around + node.decorator_list, [*node.body]
    return around, [node.body]


def bound(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that statements bind in their own scope, by imports as well.

    Not those of comprehensions: a global of the same name may stand beside one. They are looked at as if they were
    globals, which changes nothing as long as it happens to all of them.
    """
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
        elif not isinstance(node, (ast.Lambda, *_COMPREHENSIONS)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            if isinstance(node, ast.ExceptHandler) and node.name:
                found.add(node.name)
            found |= bound(ast.iter_child_nodes(node))
    return found


def _defined(tree: ast.Module) -> set[str]:
    """Names that a module gives to its globals, classes and attributes."""
    found = bound(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found |= bound(node.body)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
    return found


def _imported(tree: ast.Module, packages: set[str]) -> set[str]:
    """What a module imports from other packages."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").partition(".")[0] in packages):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {word for alias in node.names for word in (*alias.name.split("."), alias.asname or "")}
    return found


def _in_strings(tree: ast.Module) -> set[str]:
    """Words of strings that are neither docstrings nor sentences, and names in f-strings."""
    found = set()
    for node in _run(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update(_WORD.findall(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name | ast.Attribute):
                    found.add(inner.id if isinstance(inner, ast.Name) else inner.attr)
    return found


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but annotations, docstrings, f-strings, what is raised, and what stands below `if TYPE_CHECKING`."""
    silent = isinstance(node, ast.Raise | ast.JoinedStr) or is_for_mypy(node)
    if silent or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return
    yield node
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _run(child)


def _constants(tree: ast.Module) -> set[str]:
    """Names that the compiler puts in place."""
    return {
        node.targets[0].id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and is_const(node.value)
    }


def is_const(node: ast.expr) -> bool:
    """Whether this is `const(…)`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == _CONST


def is_for_mypy(node: ast.AST) -> bool:
    """Whether this is `TYPE_CHECKING = False`, or what is done if it were true."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TYPE_CHECKING"


def numbered(number: int) -> str:
    """A name for each number: `_a` to `_z`, then `_aa` and so on."""
    letters = ""
    while number >= 0:
        letters = chr(ord("a") + number % 26) + letters
        number = number // 26 - 1
    return "_" + letters
