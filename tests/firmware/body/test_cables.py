"""What goes over a cable: a wired node's frames, a bridge's work; and text between them."""

from firmware.boot import HARD, SLOT_B, TRIAL, UNDONE, is_safe
from protocol.envelope import (
    BRIDGE,
    FRAME,
    GATEWAY,
    HELLO,
    NODE,
    RECEIVED,
    STATISTICS,
    TRANSMIT,
    TRANSMIT_RESULT,
    Decoder,
    message,
    seal,
)
from protocol.envelope import SENT as DONE
from simulator.chips.air import Arrival, Emission
from tests.firmware.body.boards import ACCEPT, HOUR_MS, Acknowledging, BenchBoard, born, folder
from tests.firmware.network import DEV_EUI

HELLO_OF_GATEWAY = seal(message(HELLO, role=GATEWAY, firmware="0.1.0", eui=bytes(8), max_phy_len=255, plan=None))


class Gateway:
    """The other end of the cable."""

    def __init__(self, board):
        self.board = board
        self.decoder = Decoder()

    def hear(self, ms):
        """What comes up within so long."""
        found = []
        for _ in range(max(ms // 100, 1)):
            self.board.run(100)
            found += self.decoder.feed(self.board.port.said)
            self.board.port.said = b""
        return found

    def say(self, data):
        self.board.port.typed += data


class Wire:
    """What the network's script asks of an uplink."""

    dr, freq_hz, power_dbm = 5, 868_100_000, 14

    def __init__(self, phy_payload):
        self.phy_payload = phy_payload


def wired(name):
    board = BenchBoard(folder(name), born("air", link="cable", reading_interval_s=300))
    return board, Gateway(board)


def serve(gateway, network, ms):
    """Let the network hear what comes up, and answer down the cable."""
    board = gateway.board

    def hear(data):
        for content in gateway.decoder.feed(data):
            if content.kind == FRAME:
                now_ms = board.clock.now_us // 1000
                for _, _, _, phy_payload in network.hear(Wire(content.phy_payload), now_ms, now_ms):
                    answer = seal(message(FRAME, phy_payload=phy_payload))
                    board.clock.at(board.clock.now_us + 20_000, lambda answer=answer: gateway.say(answer))

    board.port.listener = hear
    board.run(ms)


def test_a_wired_node_says_hello_joins_and_reports_without_a_radio():
    board, gateway = wired("wired")
    network = Acknowledging()
    network.accepts.append(ACCEPT)
    board.boot()
    hello = gateway.hear(100)[0]
    assert (hello.kind, hello.role, hello.eui, hello.plan) == (HELLO, NODE, DEV_EUI, None)
    assert board.port.is_binary
    serve(gateway, network, HOUR_MS // 4)
    assert len(network.joins) == 1
    assert [up.f_port for up in network.uplinks][:3] == [3, 1, 1]
    assert board.air.sent == []
    assert board.deep_sleeps == []


def test_a_wired_node_answers_a_gateways_hello_and_a_technician_on_the_same_line():
    board, gateway = wired("both")
    board.boot()
    gateway.hear(2_000)
    gateway.say(HELLO_OF_GATEWAY + b"status\r\n" + HELLO_OF_GATEWAY * 3)
    board.run(3_000)
    said = board.port.said
    assert b"firmware: 0.1.0\r\n" in said
    assert b"ok\r\n" in said
    found = gateway.decoder.feed(said)
    assert [content.kind for content in found].count(HELLO) in (1, 2), "one in a second"


def bridge(name):
    board = BenchBoard(folder(name), born_bridge())
    return board, Gateway(board)


def born_bridge():
    from protocol.settings import Settings

    settings = Settings.from_names({"role": "bridge", "dev_eui": DEV_EUI.hex(), "plan": "single-channel"})
    return {"settings": settings.encode()}


def test_a_bridge_hands_on_what_it_hears():
    board, gateway = bridge("bridge")
    board.boot()
    hello = gateway.hear(1_000)[0]
    assert (hello.kind, hello.role, hello.eui, hello.plan) == (HELLO, BRIDGE, DEV_EUI, 1)
    start_us = board.clock.now_us + 100_000
    frame = Emission(b"\x40uplink", 868_100_000, 9, 125_000, start_us)
    board.clock.at(start_us, lambda: board.air.let_arrive(Arrival(frame, -97, -12)))
    heard = [content for content in gateway.hear(1_000) if content.kind == RECEIVED]
    assert [content.phy_payload for content in heard] == [b"\x40uplink"]
    assert (heard[0].rssi_dbm, heard[0].snr_qdb, heard[0].sf) == (-97, -12, 9)
    assert abs(heard[0].counter_us - frame.end_us) < 5_000


def test_a_bridge_sends_at_its_microsecond_and_listens_again():
    board, gateway = bridge("sends")
    board.boot()
    gateway.hear(1_000)
    fields = {"freq_hz": 869_525_000, "sf": 9, "bw_hz": 125_000, "power_dbm": 14, "iq_inverted": True}
    fields.update(preamble_symbols=8, phy_payload=bytes(40))
    at_us = board.clock.now_us + 700_000
    gateway.say(seal(message(TRANSMIT, token=9, at_us=at_us & 0xFFFFFFFF, **fields)))
    results = [content for content in gateway.hear(2_000) if content.kind == TRANSMIT_RESULT]
    assert [(result.token, result.outcome, result.actual_dbm) for result in results] == [(9, DONE, 14)]
    sent = board.air.sent[-1]
    assert abs(sent.start_us - at_us) < 2_000
    assert abs(results[0].started_us - at_us) < 2_000
    assert (sent.inverted_iq, sent.crc, sent.power_dbm) == (True, False, 14)
    start_us = board.clock.now_us + 100_000
    frame = Emission(b"\x40again", 868_100_000, 9, 125_000, start_us)
    board.clock.at(start_us, lambda: board.air.let_arrive(Arrival(frame)))
    assert [content.phy_payload for content in gateway.hear(1_000) if content.kind == RECEIVED] == [b"\x40again"]
    assert board.chip.breaches == []


def test_a_bridge_tells_how_it_does_and_lives_on_without_its_radio():
    board, gateway = bridge("alone")
    exchange = board.chip.exchange
    board.chip.exchange = lambda byte: 0xFF
    board.boot()
    assert [content.kind for content in gateway.hear(31_000)] == [HELLO, STATISTICS]
    assert board.boots == [1]
    board.chip.exchange = exchange
    gateway.hear(11_000)
    start_us = board.clock.now_us + 100_000
    board.clock.at(
        start_us, lambda: board.air.let_arrive(Arrival(Emission(b"\x40x", 868_100_000, 9, 125_000, start_us)))
    )
    assert [content.kind for content in gateway.hear(1_000)] == [RECEIVED]


def test_a_bridge_hears_the_technician_too():
    board, gateway = bridge("technician")
    board.boot()
    gateway.hear(1_000)
    gateway.say(b"\nstatus\n")
    board.run(1_000)
    assert b"board: bench\r\n" in board.port.said


def test_letters_in_an_envelope_are_no_command_and_an_empty_line_begins_anew():
    board, gateway = bridge("letters")
    board.boot()
    gateway.hear(1_000)
    fields = {"freq_hz": 869_525_000, "sf": 9, "bw_hz": 125_000, "power_dbm": 14, "iq_inverted": True}
    order = message(TRANSMIT, token=9, at_us=0, preamble_symbols=8, phy_payload=b"\x60\x01\nhelp\n\x01", **fields)
    gateway.say(seal(order) + b"\x01noise")
    assert [content.kind for content in gateway.hear(1_000)] == [TRANSMIT_RESULT]
    gateway.say(b"\r\n\r\nget plan\r\n")
    board.run(1_000)
    assert board.port.said == b"plan = single-channel\r\nok\r\n"


def test_a_bridges_update_is_confirmed_once_a_gateway_has_said_hello_and_it_has_idled_well():
    board, gateway = bridge("trial")
    board.nvs["boot"] = TRIAL
    board.boot(HARD)
    board.run(11 * 60_000)
    assert board.nvs["boot"] & TRIAL
    gateway.say(HELLO_OF_GATEWAY)
    board.run(2 * 60_000)
    assert board.nvs["boot"] == SLOT_B


def test_a_bridge_whose_runs_end_badly_says_so_and_tries_again_after_a_while():
    board, gateway = bridge("crashes")
    board.nvs["boot"] = 3 * 256 * 16
    board.nvs["error"] = b"bridge:7 KeyError"
    board.boot(HARD)
    board.run(5_000)
    said = board.port.lines()
    why = "three runs in a row ended badly, the last one by bridge:7 KeyError"
    assert said == ["lampyre cannot start: " + why]
    assert "trouble: " + why in board.type("status")
    board.run(11 * 60_000)
    assert board.boots == [HARD, HARD]
    assert not is_safe(board.nvs["boot"])
    assert HELLO in [content.kind for content in gateway.decoder.feed(board.port.said)]


def test_an_update_that_finds_what_it_cannot_start_with_is_taken_back():
    board = bridge("cannot")[0]
    board.nvs["boot"] = TRIAL
    board.nvs["settings"] = b"\xa0"
    board.boot(HARD)
    board.run(1_000)
    assert board.nvs["boot"] & (TRIAL | UNDONE | SLOT_B) == UNDONE
    assert board.boots == [HARD, HARD]
