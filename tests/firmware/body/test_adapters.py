"""What stands between drivers and senses."""

from firmware.body.adapters import Climate


class Carbon:
    """told: the pressures that it was told while it listened."""

    def __init__(self):
        self.told = []
        self.listens = True

    def set_pressure(self, hpa):
        if self.listens:
            self.told.append(hpa)
        return self.listens


class Weather:
    """Temperature and humidity stand still."""

    def __init__(self):
        self.pressure_dhpa = 10_132

    def read(self):
        return None if self.pressure_dhpa is None else (215, 45, self.pressure_dhpa)


def test_the_co2_sensor_is_told_a_pressure_when_it_is_another_until_it_has_heard_it():
    weather, carbon = Weather(), Carbon()
    climate = Climate(weather)
    assert climate.read() == (215, 45, 10_132)
    climate.carbon = carbon
    for _ in range(3):
        assert climate.read() == (215, 45, 10_132)
    assert carbon.told == [1013]
    weather.pressure_dhpa = 9_871
    carbon.listens = False
    climate.read()
    carbon.listens = True
    climate.read()
    climate.read()
    assert carbon.told == [1013, 987]
    weather.pressure_dhpa = None
    assert climate.read() is None
    assert carbon.told == [1013, 987]
