"""Dimming: programmes, the sun they follow, the place they run at, and what they ask for at any moment."""

from .programme import CLOCK as CLOCK
from .programme import DAWN as DAWN
from .programme import DEFAULT_PROGRAMME as DEFAULT_PROGRAMME
from .programme import DUSK as DUSK
from .programme import EVERY_DAY as EVERY_DAY
from .programme import HOLIDAYS as HOLIDAYS
from .programme import MAX_PROGRAMME_BYTES as MAX_PROGRAMME_BYTES
from .programme import SUNRISE as SUNRISE
from .programme import SUNSET as SUNSET
from .programme import DayType as DayType
from .programme import Programme as Programme
from .programme import Step as Step
from .setpoint import lighting_day as lighting_day
from .setpoint import setpoint_at as setpoint_at
from .site import MAX_HOLIDAYS as MAX_HOLIDAYS
from .site import MAX_SITE_BYTES as MAX_SITE_BYTES
from .site import Site as Site
from .sun import SUN_TABLE_BYTES as SUN_TABLE_BYTES
from .sun import SunTable as SunTable
