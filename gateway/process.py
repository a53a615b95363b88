"""The gateway as a process: links, engine, store, publisher and local API on one event loop.

Nothing here decides. What ends abnormally ends the process, with a sentence, and the service manager starts it again:
whatever was accepted is on disk, and the rest is still in the nodes' logs.
"""

import asyncio
import contextlib
import importlib.metadata
import logging
import os
import random
import secrets
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import apsw

from gateway.api.server import ApiServer
from gateway.application import TownApplication
from gateway.config.values import Config
from gateway.engine import Engine
from gateway.links.capture import Capture
from gateway.links.link import Link, RadioReport, Received, Transmit, TransmitResult
from gateway.links.serial import SerialLink
from gateway.links.udp import UdpLink, open_udp
from gateway.network.events import Alarm, DeviceGone, DeviceSet, GroupSet
from gateway.network.registration import Registration
from gateway.network.server import Server
from gateway.network.settings import NetworkSettings
from gateway.operate import clock as trust
from gateway.operate.health import health, look_at_machine
from gateway.operate.metrics import Figures
from gateway.operate.notify import Notifier
from gateway.orders import states
from gateway.publish.delivery import Delivery
from gateway.publish.events import DatesKnown, Note, Stored
from gateway.publish.messages import Messenger
from gateway.publish.mqtt import Mqtt, MqttSettings
from gateway.publish.outbox import StoreOutbox
from gateway.publish.publisher import Publisher, PublisherSettings
from gateway.station import RunningStation
from gateway.store import boots, cursors, devices, groups, orders, places, records, sessions, snapshot
from gateway.store.faults import FaultKind, StoreError
from gateway.store.opening import Store
from gateway.store.retention import Retention, measure
from gateway.store.writer import Died, Failed, Result
from gateway.timekeeping import Clock, Handle, SystemClock
from gateway.watch import Watch
