"""Which firmware this is: its version, and a time before which it was not yet built."""

from protocol.compat import const

VERSION = (0, 1, 0)  # as in pyproject.toml
BUILT_GPS_S = const(1_479_340_818)  # 2026-11-22T00:00:00Z; no network can know an earlier time than that
