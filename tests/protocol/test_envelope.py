"""Envelopes on a cable: COBS vectors, CRC, every message, noise, and what is refused."""

import binascii
import struct

from protocol import cbor
from protocol.envelope import (
    BRIDGE,
    FRAME,
    HELLO,
    LOG,
    MAX_ENVELOPE,
    RECEIVED,
    SENT,
    STATISTICS,
    TOO_LATE,
    TRANSMIT,
    TRANSMIT_RESULT,
    WARNING,
    Decoder,
    Message,
    cobs_decode,
    cobs_encode,
    message,
    open_envelope,
    seal,
)
from tests.protocol.expect import Dice, hexa, refused, vectors

EUI = hexa("70B3D57ED0000001")
JOIN = hexa("00 01000000D07ED5B3 01000000D07ED5B3 0000 12345678")


def samples():
    """One message of every kind with typical values, and with the values at their limits."""
    return [
        message(HELLO, role=BRIDGE, firmware="0.1.0", eui=EUI, max_phy_len=255, plan=1),
        message(HELLO, role=255, firmware="é" * 16, eui=EUI, max_phy_len=0, plan=None),
        message(
            RECEIVED,
            counter_us=0xFFFFFFFF,
            freq_hz=868_100_000,
            sf=9,
            bw_hz=125_000,
            rssi_dbm=-117,
            snr_qdb=-31,
            crc_ok=True,
            phy_payload=JOIN,
        ),
        message(
            RECEIVED,
            counter_us=0,
            freq_hz=868_800_000,
            sf=0,
            bw_hz=0,
            rssi_dbm=-255,
            snr_qdb=127,
            crc_ok=False,
            phy_payload=b"",
        ),
        message(
            TRANSMIT,
            token=513,
            at_us=5_000_000,
            freq_hz=869_525_000,
            sf=9,
            bw_hz=125_000,
            power_dbm=27,
            iq_inverted=True,
            preamble_symbols=8,
            phy_payload=bytes(range(255)),
        ),
        message(
            TRANSMIT,
            token=65_535,
            at_us=None,
            freq_hz=869_525_000,
            sf=7,
            bw_hz=250_000,
            power_dbm=-9,
            iq_inverted=False,
            preamble_symbols=1000,
            phy_payload=b"\x00" * 255,
        ),
        message(TRANSMIT_RESULT, token=513, outcome=SENT, started_us=5_000_001, actual_dbm=14),
        message(TRANSMIT_RESULT, token=513, outcome=TOO_LATE, started_us=None, actual_dbm=None),
        message(
            STATISTICS, uptime_s=86_400, received_ok=70_000, received_bad=12, forwarded=70_012, transmitted=0xFFFFFFFF
        ),
        message(LOG, level=WARNING, text="SX1262 restarted after 3 BUSY timeouts"),
        message(LOG, level=0, text=""),
        message(FRAME, phy_payload=b"\x40" + bytes(222 + 12)),
    ]


def by_hand(body, version=1):
    """An envelope around *body*, made without the code under test; body and CRC must hold no zero."""
    checked = bytes([version]) + body
    raw = checked + struct.pack("<I", binascii.crc32(checked))
    assert raw.find(b"\x00") < 0
    return b"\x00" + bytes([len(raw) + 1]) + raw + b"\x00"


def test_cobs_vectors():
    data = vectors("cobs")
    for group in data["groups"]:
        for plain, stuffed in group["cases"]:
            assert cobs_encode(hexa(plain)) == hexa(stuffed), (group["source"], plain)
            assert cobs_decode(hexa(stuffed)) == hexa(plain)
    for first, last, rest, prefix, copied_from, copied_to, suffix in data["runs"]["cases"]:
        plain = bytes(range(first, last + 1)) + hexa(rest)
        stuffed = hexa(prefix) + bytes(range(copied_from, copied_to + 1)) + hexa(suffix)
        assert cobs_encode(plain) == stuffed
        assert cobs_decode(memoryview(stuffed)) == plain


def test_cobs_that_no_encoder_makes_is_refused():
    refused("COBS at byte 2: code 4 points 2 bytes past the end: cut short?", cobs_decode, hexa("02 11 04 22"))
    refused("COBS at byte 1: a zero inside an envelope", cobs_decode, hexa("03 00 11"))
    refused("COBS at byte 0: a zero inside", cobs_decode, hexa("00"))
    assert cobs_decode(b"") == b""


def test_the_crc_is_ieee_802_3():
    assert binascii.crc32(b"123456789") == 0xCBF43926


def test_an_envelope_byte_by_byte():
    # 01 version | 82 07 41 55: the array [7, h'55'] | CRC, little-endian
    body = hexa("82 07 41 55")
    crc = struct.pack("<I", binascii.crc32(hexa("01 82 07 41 55")))
    sealed = seal(message(FRAME, phy_payload=b"\x55"))
    assert sealed == hexa("00 0A 01") + body + crc + hexa("00") == by_hand(body)


def test_every_message_comes_back():
    for sent in samples():
        sealed = seal(sent)
        assert sealed[0] == 0 and sealed[-1] == 0 and sealed[1:-1].find(b"\x00") < 0
        for data in (sealed, sealed[1:-1], memoryview(sealed), bytearray(sealed)):
            received = open_envelope(data)
            assert received == sent
            assert repr(received) == repr(sent)
            assert seal(received) == sealed


def test_fields_are_attributes():
    received = open_envelope(seal(samples()[2]))
    assert received.kind == RECEIVED
    assert (received.counter_us, received.freq_hz, received.sf) == (0xFFFFFFFF, 868_100_000, 9)
    assert (received.bw_hz, received.rssi_dbm, received.snr_qdb) == (125_000, -117, -31)
    assert received.crc_ok is True
    assert received.phy_payload == JOIN
    assert repr(open_envelope(seal(samples()[6]))) == (
        "TRANSMIT_RESULT(token=513, outcome=0, started_us=5000001, actual_dbm=14)"
    )


def test_messages_differ():
    assert samples()[0] != samples()[1]
    assert message(LOG, level=1, text="") != Message(99, [1, ""])
    assert message(LOG, level=1, text="") != [LOG, 1, ""]


def test_the_longest_envelope_leaves_room_for_newer_items():
    longest = max([len(seal(sent)) for sent in samples()])
    assert longest <= 293 <= MAX_ENVELOPE - 200


def test_items_of_a_newer_version_are_skipped():
    sent = message(FRAME, phy_payload=b"\x55")
    newer = by_hand(cbor.encode([FRAME, b"\x55", [1, {2: "x"}], None]))
    assert open_envelope(newer) == sent
    assert Decoder().feed(newer) == [sent]


def test_types_of_a_newer_version_are_handed_on():
    newer = by_hand(cbor.encode([99, 1, {1: [True]}]))
    received = open_envelope(newer)
    assert received.kind == 99
    assert received.items == [1, {1: [True]}]
    assert repr(received) == "envelope type 99 [1, {1: [True]}]"
    assert seal(received) == newer
    assert open_envelope(seal(Message(0, []))).items == []


def test_another_version_is_refused_with_both_numbers():
    refused(
        "envelope has version 2, this end speaks version 1: update the older end",
        open_envelope,
        by_hand(hexa("81 07"), 2),
    )


def test_bodies_that_are_not_messages_are_refused():
    for body in ("07", "80", "81 20", "81 F5", "81 41 55", "A1 01 02"):
        refused("envelope body is not an array that begins with a type number", open_envelope, by_hand(hexa(body)))
    refused("envelope body: CBOR at byte 0", open_envelope, by_hand(hexa("FB 01")))
    refused("envelope body: CBOR at byte 2", open_envelope, by_hand(hexa("81 07 07")))
    refused("FRAME has 0 fields, expected 1: no phy_payload", open_envelope, by_hand(hexa("81 07")))
    refused("TRANSMIT_RESULT has 2 fields, expected 4: no started_us", open_envelope, by_hand(hexa("83 04 01 01")))


def test_fsk_has_no_bandwidth_and_lora_always_one():
    good = ("at_us", None), ("freq_hz", 868_100_000), ("power_dbm", 14), ("iq_inverted", True), ("preamble_symbols", 8)
    fields = dict(good, token=1, phy_payload=b"")
    for sf, bw_hz in ((0, 125_000), (12, 0)):
        says = f"TRANSMIT has sf {sf} with bw_hz {bw_hz}; expected both 0 (FSK) or neither"
        refused(says, message, TRANSMIT, sf=sf, bw_hz=bw_hz, **fields)
    assert message(TRANSMIT, sf=0, bw_hz=0, **fields).sf == 0


def test_values_out_of_range_are_refused():
    for kind, items, says in (
        (FRAME, [7], "FRAME.phy_payload is 7; expected 0..255 bytes"),
        (FRAME, ["U"], "FRAME.phy_payload is 'U'; expected 0..255 bytes"),
        (FRAME, [b"U" * 256], "FRAME.phy_payload is 256 bytes; expected 0..255 bytes"),
        (LOG, [-1, "U"], "LOG.level is -1; expected an integer 0..255"),
        (LOG, [True, "U"], "LOG.level is True; expected an integer 0..255"),
        (LOG, [None, "U"], "LOG.level is None; expected an integer 0..255"),
        (LOG, [1, b"U"], "expected a text of at most 200 bytes in UTF-8"),
        (LOG, [1, "é" * 101], "LOG.text is 101 characters; expected a text of at most 200 bytes in UTF-8"),
        (LOG, [[[1] * 90], "U"], "LOG.level is [[1, 1, 1,"),
        (TRANSMIT_RESULT, [1, 1, -1, 1], "TRANSMIT_RESULT.started_us is -1; expected an integer 0..4294967295 or null"),
        (TRANSMIT_RESULT, [65_536, 1, 1, 1], "TRANSMIT_RESULT.token is 65536; expected an integer 0..65535"),
        (HELLO, [1, "U", b"U" * 7, 1, 1], "expected 8..8 bytes"),
    ):
        refused(says, Message, kind, items)
        checked = b"\x01" + cbor.encode([kind] + items)  # `seal` is watched: it makes what lampyre.cddl allows
        refused(says, open_envelope, cobs_encode(checked + struct.pack("<I", binascii.crc32(checked))))


def test_radio_settings_out_of_range_are_refused():
    good = [1, None, 868_100_000, 9, 125_000, 14, True, 8, b"U"]
    Message(TRANSMIT, good)
    for at, value, says in (
        (2, 136_999_999, "TRANSMIT.freq_hz is 136999999; expected an integer 137000000..1020000000"),
        (2, 1_020_000_001, "TRANSMIT.freq_hz is 1020000001"),
        (3, 6, "TRANSMIT.sf is 6; expected one of (0, 7, 8, 9, 10, 11, 12)"),
        (3, True, "TRANSMIT.sf is True"),
        (4, 62_500, "TRANSMIT.bw_hz is 62500; expected one of (0, 125000, 250000, 500000)"),
        (4, [125_000], "TRANSMIT.bw_hz is [125000]"),
        (5, 37, "TRANSMIT.power_dbm is 37; expected an integer -9..36"),
        (6, 1, "TRANSMIT.iq_inverted is 1; expected true or false"),
        (6, None, "TRANSMIT.iq_inverted is None"),
        (7, 0, "TRANSMIT.preamble_symbols is 0; expected an integer 1..1000"),
    ):
        items = list(good)
        items[at] = value
        refused(says, Message, TRANSMIT, items)


def test_message_wants_exactly_the_fields_of_its_kind():
    refused("LOG needs a text; expected level, text", message, LOG, level=1)
    refused("LOG has no field colour; expected level, text", message, LOG, level=1, text="", colour=2)
    refused("there is no envelope type 99; expected 1..7", message, 99)


def test_what_an_envelope_cannot_carry_is_refused():
    refused("envelope body: cannot encode", seal, Message(99, [Dice]))
    refused("envelope of 1016 bytes; expected at most 512", seal, Message(99, [b"U" * 1001]))
    refused("envelope of 513 bytes; expected at most 512", open_envelope, b"U" * 513)


def test_the_crc_sentence():
    sealed = bytearray(seal(message(LOG, level=1, text="noise on line 4")))
    computed = binascii.crc32(hexa("01 83 06 01 6F") + b"Noise on line 4")
    crc = binascii.crc32(hexa("01 83 06 01 6F") + b"noise on line 4")
    at = bytes(sealed).find(b"noise")
    sealed[at] ^= 0x20
    says = "envelope CRC is %08x, computed %08x over 20 bytes: noise on the cable?" % (crc, computed)
    refused(says, open_envelope, sealed)
    decoder = Decoder()
    assert decoder.feed(sealed) == []
    assert decoder.last_error == says
    assert (decoder.bad_crc, decoder.refused, decoder.discarded_bytes) == (1, 0, len(sealed) - 2)


def test_short_envelopes_are_refused():
    refused("envelope of 0 bytes; expected at least 6: version, body, CRC", open_envelope, b"")
    refused("envelope of 0 bytes", open_envelope, hexa("00 01 00"))
    refused("envelope of 5 bytes; expected at least 6", open_envelope, cobs_encode(b"\x01" + bytes(4)))


def test_every_flipped_bit_is_refused():
    for sent in (samples()[2], samples()[6], samples()[11]):
        sealed = seal(sent)
        for at in range(1, len(sealed) - 1):
            for bit in range(8):
                changed = bytearray(sealed)
                changed[at] ^= 1 << bit
                refused("", open_envelope, changed)
                decoder = Decoder()
                assert decoder.feed(changed) == []
                assert decoder.feed(sealed) == [sent]


def test_a_flipped_bit_in_a_delimiter_costs_one_envelope_at_most():
    sent = samples()[2]
    sealed = seal(sent)
    for at in (0, len(sealed) - 1):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[at] ^= 1 << bit
            decoder = Decoder()
            assert decoder.feed(changed) + decoder.feed(sealed) == [sent]


def test_every_truncation_is_refused():
    sent = samples()[2]
    sealed = seal(sent)
    for length in range(1, len(sealed) - 1):
        refused("", open_envelope, sealed[:length])
        decoder = Decoder()
        assert decoder.feed(sealed[:length]) == []
        assert decoder.feed(sealed) == [sent]  # the delimiter in front ends the torn one
        decoder = Decoder()
        assert decoder.feed(sealed[-length:]) == []
        assert decoder.feed(sealed) == [sent]


def test_any_pieces_give_the_same_messages():
    dice = Dice(4)
    sent = samples()
    stream = b"".join([seal(each) for each in sent])
    assert Decoder().feed(stream) == sent
    decoder = Decoder()
    received = []
    for at in range(len(stream)):
        received += decoder.feed(stream[at : at + 1])
    assert received == sent
    decoder = Decoder()
    received = []
    while stream:
        size = dice.below(100)
        received += decoder.feed(memoryview(stream)[:size])
        stream = stream[size:]
    assert received == sent
    assert decoder.messages == len(sent)
    assert (decoder.discarded_bytes, decoder.last_error) == (0, "")


def test_the_next_good_envelope_after_noise_is_always_found():
    dice = Dice(2)
    sent = samples()
    decoder = Decoder()
    for turn in range(300):
        noise = dice.bytes(dice.below(700))
        assert decoder.feed(noise) == []
        good = sent[turn % len(sent)]
        assert decoder.feed(seal(good)) == [good]
    assert decoder.messages == 300
    assert decoder.bad_crc + decoder.refused > 300
    assert decoder.discarded_bytes > 50_000


def test_a_megabyte_without_delimiter_takes_no_memory():
    decoder = Decoder()
    chunk = b"U" * 256
    for _ in range(4096):
        assert decoder.feed(chunk) == []
    assert len(decoder._buffer) == MAX_ENVELOPE
    assert decoder.oversize == 1
    assert decoder.discarded_bytes == 1 << 20
    assert decoder.last_error == "no delimiter within 512 bytes: noise, or another speed or protocol?"
    good = samples()[0]
    assert decoder.feed(seal(good)) == [good]
    assert decoder.feed(b"U" * 512 + b"\x00" + b"U" * 513 + b"\x00") == []
    assert (decoder.oversize, decoder.refused, decoder.discarded_bytes) == (2, 1, (1 << 20) + 1025)


def test_errors_other_than_noise_are_counted_apart():
    decoder = Decoder()
    assert decoder.feed(by_hand(hexa("81 07"), 2)) == []
    assert (decoder.bad_crc, decoder.refused, decoder.oversize) == (0, 1, 0)
    assert decoder.last_error.startswith("envelope has version 2")
    assert decoder.feed(b"\x00\x00\x00") == []
    assert decoder.refused == 1
