"""One corner, one bay or one lamp without a town around it: for whoever asks about a single node."""

from simulator.stimuli.air import AirStimulus
from simulator.stimuli.bay import BayLife
from simulator.stimuli.calendar import Calendar
from simulator.stimuli.demand import demand_by_day
from simulator.stimuli.lighting import LightStimulus
from simulator.stimuli.parking import ParkingStimulus
from simulator.stimuli.weather import Corner, Weather
from simulator.streams import Stream

_ARRIVALS_PER_DAY, _STAY_MIN, _OPEN_H, _CLOSE_H = 8, 45, 8, 20


def air_alone(stream: Stream) -> AirStimulus:
    """Air at a street corner, in UTC."""
    return AirStimulus(stream, _corner(stream))


def bay_alone(stream: Stream, start_s: int) -> ParkingStimulus:
    """A bay for visitors, in UTC."""
    corner = _corner(stream)
    demand = demand_by_day(_ARRIVALS_PER_DAY, _STAY_MIN, _OPEN_H, _CLOSE_H)
    life = BayLife(Stream(stream.below(1 << 40), "bay"), demand, corner.weather.calendar, start_s)
    return ParkingStimulus(stream, (life,), corner)


def lamp_alone(stream: Stream, start_s: int, watts: float = 42) -> LightStimulus:
    """A lamp with power that never fails, and nobody near it."""
    return LightStimulus(stream, _corner(stream), start_s=start_s, watts=watts)


def _corner(stream: Stream) -> Corner:
    return Corner(stream, Weather(stream, Calendar("UTC")))
