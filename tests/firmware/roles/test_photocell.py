"""A photocell that may be wrong."""

from firmware.roles.photocell import Photocell


class Sky:
    """Feeds a photocell every minute."""

    def __init__(self):
        self.cell = Photocell(35, 70)
        self.now_s = 0
        self.nights = []

    def shine(self, lux, minutes, flicker=0):
        for _ in range(minutes):
            self.now_s += 60
            value = lux if lux is None else lux + self.now_s // 60 % 2 * flicker
            night_s = self.cell.see(value, self.now_s)
            if night_s:
                self.nights.append(night_s)
        return self.cell.night


def test_day_and_night_are_seen_after_a_while():
    sky = Sky()
    assert sky.shine(1000, 10) is None
    assert sky.shine(1000, 1) is False
    assert sky.shine(10, 3) is False
    assert sky.shine(10, 1) is True
    assert sky.cell.dusk_s == 12 * 60
    assert sky.shine(500, 10) is True  # 15 minutes are no night
    assert sky.shine(10, 600) is True
    assert sky.shine(500, 11) is False
    assert sky.nights == [sky.now_s - 12 * 60]


def test_between_the_thresholds_nothing_changes():
    sky = Sky()
    sky.shine(1000, 20)
    assert sky.shine(50, 300) is False
    sky.shine(10, 300)
    assert sky.shine(50, 300) is True


def test_headlights_and_clouds_change_nothing():
    sky = Sky()
    sky.shine(1000, 20)
    for _ in range(50):
        assert sky.shine(10, 3) is False
        assert sky.shine(1000, 1) is False
    sky.shine(10, 300)
    for _ in range(50):
        assert sky.shine(1000, 10) is True
        assert sky.shine(10, 1) is True


def test_a_lamp_that_shines_into_its_own_photocell_stays_lit_for_hours():
    sky = Sky()
    sky.shine(1000, 20)
    sky.shine(5, 5)
    assert sky.cell.night is True
    for _ in range(23):
        assert sky.shine(300, 10, 1) is True


def test_a_night_whose_start_was_not_seen_has_no_length():
    sky = Sky()
    assert sky.shine(3, 5) is True
    assert sky.cell.dusk_s is None
    assert sky.shine(1000, 12) is False
    assert sky.nights == []


def test_silence_means_not_known():
    sky = Sky()
    sky.shine(1000, 20)
    assert sky.shine(None, 4) is False
    assert sky.shine(None, 1) is None
    assert sky.shine(1000, 10) is None
    assert sky.shine(1000, 1) is False


def test_the_very_same_light_for_six_hours_is_doubted_until_it_is_dark():
    sky = Sky()
    assert sky.shine(54612, 361) is None
    assert sky.shine(1000, 100, 1) is None
    assert sky.shine(1, 5) is True
    assert sky.shine(1000, 300, 1) is False


def test_a_day_without_end_is_doubted():
    sky = Sky()
    assert sky.shine(1000, 18 * 60 + 10, 1) is False
    assert sky.shine(1000, 1, 1) is None
    assert sky.shine(1000, 600, 1) is None
