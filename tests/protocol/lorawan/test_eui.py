"""Identities come from labels in any of their spellings, and travel the other way round."""

from protocol.lorawan.eui import (
    dev_addr_from_text,
    dev_addr_to_text,
    eui_from_text,
    eui_from_wire,
    eui_to_text,
    eui_to_wire,
    key_from_text,
)
from tests.protocol.expect import hexa, refused

EUI = hexa("70b3d57ed0000eff")


def test_a_label_is_read_in_every_usual_spelling():
    for text in ("70B3D57ED0000EFF", "70b3d57ed0000eff", "70-B3-D5-7E-D0-00-0E-FF", " 70:b3:d5:7e:d0:00:0e:ff "):
        assert eui_from_text(text) == EUI
    assert eui_to_text(EUI) == "70b3d57ed0000eff"


def test_the_air_carries_the_last_byte_first():
    assert eui_to_wire(EUI) == hexa("ff 0e 00 d0 7e d5 b3 70")
    assert eui_from_wire(memoryview(eui_to_wire(EUI))) == EUI


def test_a_wrong_label_says_what_was_found():
    says = refused("has 4 hex digits", eui_from_text, "0011")
    assert says == "DevEUI '0011' has 4 hex digits; expected 16, as printed on the label"
    refused("JoinEUI '' has 0 hex digits", eui_from_text, "", "JoinEUI")
    refused("has more than 16 hex digits", eui_from_text, "70b3d57ed0000eff0")
    refused("DevEUI 'OO11': character 1 is not a hex digit; expected 16 hex digits", eui_from_text, "OO11")
    refused("character 3 is not a hex digit", eui_from_text, "70٣0b3d57ed0000e")


def test_a_pasted_file_does_not_become_the_message():
    assert len(refused("not a hex digit", eui_from_text, "z" * 100000)) < 150
    assert len(refused("has more than 16", eui_from_text, "0" * 100000)) < 150


def test_an_eui_of_another_length_is_refused():
    for function in (eui_to_text, eui_to_wire, eui_from_wire):
        refused("EUI has 7 bytes; expected 8", function, EUI[:7])


def test_addresses_are_numbers():
    assert dev_addr_from_text("26 01 1F-0a") == 0x26011F0A
    assert dev_addr_to_text(0x0001F0A) == "00001f0a"
    assert dev_addr_to_text(0xFFFFFFFF) == "ffffffff"
    refused("McAddr '12' has 2 hex digits; expected 8", dev_addr_from_text, "12", "McAddr")
    refused("DevAddr is 4294967296; expected 0..4294967295", dev_addr_to_text, 1 << 32)
    refused("DevAddr is -1", dev_addr_to_text, -1)


def test_a_key_is_read_and_never_shown():
    secret = "8D7F31A2 5C0E44B9 17D2A6E0 93BB5F18"
    assert key_from_text(secret) == hexa(secret)
    for wrong in (secret[:-1], secret + "0", secret + "0123", "x" + secret):
        says = refused("expected 32", key_from_text, wrong, "GenAppKey")
        assert says.startswith("GenAppKey") and "8D7F" not in says and "5F1" not in says
    refused("AppKey is all zeros", key_from_text, "0" * 32)
