"""The label's QR code: its text by TR005, and read back out of the picture."""

import pytest
import segno

from boards.enrolment import label

DEV_EUI = bytes.fromhex("aabbccddeeff0011")
JOIN_EUI = bytes.fromhex("1122334455667788")


def test_the_checksum_is_that_of_the_specifications_example():
    """TR005 v1.0.0: LW:D0:…:PFOOBAR:CAF2C."""
    text = "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:OAABBCCDDEEFF:SYYWWNNNNNN:PFOOBAR"
    assert f"{label.crc16(text.encode()):04X}" == "AF2C"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("", "LW:D0:1122334455667788:AABBCCDDEEFF0011:00000000"),
        ("air-001", "LW:D0:1122334455667788:AABBCCDDEEFF0011:00000000:SAIR-001"),
        ("rue de la Paix: 5", "LW:D0:1122334455667788:AABBCCDDEEFF0011:00000000"),
    ],
)
def test_the_text_says_who_the_node_is_and_no_more(name, body):
    text = label.text_of(DEV_EUI, JOIN_EUI, name)
    assert text.rpartition(":C")[0] == body
    # TR005: upper case and digits, so that the code is in QR's alphanumeric mode, and small.
    assert segno.make(text, micro=False).mode == "alphanumeric"


def test_the_picture_is_the_code_and_the_terminal_shows_the_number(tmp_path):
    path = label.write(tmp_path, DEV_EUI, JOIN_EUI)
    assert path.name == "aabbccddeeff0011.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    shown = label.in_terminal(DEV_EUI, JOIN_EUI)
    assert shown.endswith("AABB CCDD EEFF 0011")
    assert "█" in shown or "▀" in shown or "\x1b" in shown
