"""Positions as degrees and back."""

import math

import pytest

from simulator.scenario.model import Site


def site(latitude_deg: float) -> Site:
    return Site(insee="92002", name="Antony", latitude_deg=latitude_deg, longitude_deg=2.2975)


def haversine_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    """The distance on a sphere of 6,371.0 km, by the formula that is good for short ones."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, point)) for point in (a, b))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(half))


@pytest.mark.parametrize("latitude_deg", [-60, 0, 48.7536, 68])
@pytest.mark.parametrize(("x_m", "y_m"), [(0, 0), (1000, 0), (0, 1000), (-600, 800)])
def test_metres_become_degrees_that_lie_as_far_apart(latitude_deg, x_m, y_m):
    """To 0.2 m and a thousandth: degrees are rounded to 0.1 m, and a plane is no sphere."""
    here = site(latitude_deg)
    distance_m = haversine_m((here.latitude_deg, here.longitude_deg), here.degrees(x_m, y_m))
    assert distance_m == pytest.approx(math.hypot(x_m, y_m), abs=0.2, rel=1e-3)


@pytest.mark.parametrize(("x_m", "y_m"), [(0, 0), (1000, 0), (0, -1000), (-600, 800)])
def test_degrees_become_metres_again(x_m, y_m):
    here = site(48.7536)
    assert here.metres(*here.degrees(x_m, y_m)) == pytest.approx((x_m, y_m), abs=0.11)


def test_north_is_up_and_east_is_right():
    latitude_deg, longitude_deg = site(48.7536).degrees(100, 100)
    assert latitude_deg > 48.7536
    assert longitude_deg > 2.2975
