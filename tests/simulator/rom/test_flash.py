"""A NOR flash: what is not erased cannot be written."""

import pytest

from simulator.rom.flash import Flash


def test_writing_only_clears_bits_and_erasing_sets_those_of_whole_sectors():
    flash = Flash(1)
    flash.write(4000, b"\xf0" * 200)
    flash.write(4000, b"\x3c" * 200)
    assert bytes(flash.content[3999:4201]) == b"\xff" + b"\x30" * 200 + b"\xff"
    flash.erase(4096, 1)
    assert bytes(flash.content[4090:4200]) == b"\x30" * 6 + b"\xff" * 104
    assert flash.erased == 1


@pytest.mark.parametrize(("size_mb", "capacity"), [(4, 0x16), (8, 0x17), (16, 0x18)])
def test_its_id_tells_its_size_as_a_power_of_two(size_mb, capacity):
    assert Flash(size_mb).jedec_id >> 16 == capacity
    assert 1 << capacity == size_mb << 20
