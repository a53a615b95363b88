"""The npm package lora-packet and we make the same bytes of thousands of frames, and read each other's."""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from protocol.lorawan.frames import UNCONFIRMED_DATA_UP, UPLINK, parse_frame
from protocol.lorawan.join import (
    JoinAccept,
    derive_session_keys,
    join_request_matches,
    open_join_accept,
    parse_join_request,
    seal_join_accept,
    seal_join_request,
)
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload, seal_data

PEER = Path(__file__).with_name("lora_packet.mjs")
TIMEOUT_S = 120  # it takes about five seconds; a peer that hangs should not hang the tests
DATA_FRAMES, JOINS = 4000, 500


def ask(cases: list[dict]) -> list[dict]:
    """Let one Node process answer all *cases*, in their order."""
    node = os.environ.get("LAMPYRE_NODE") or shutil.which("node")
    assert node, "no Node.js: set LAMPYRE_NODE, or put `node` on the PATH"
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run([node, PEER], input=lines, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, f"lora_packet.mjs failed (cd tests && npm ci installs what it needs):\n{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(name="seed")
def _seed(request: pytest.FixtureRequest) -> str:
    """What the random frames of this run grow from: pytest's header has it, and so has every failing case."""
    return str(request.config.option.hypothesis_seed)


def cases_of(kind, count: int, seed: str) -> list[dict]:
    """*count* cases made by the function *kind*, each with what it takes to make it again."""
    return [{"hypothesis_seed": seed, "case": i, **kind(random.Random(f"{seed}/{i}"))} for i in range(count)]


def agree(case: dict, answer: dict) -> None:
    """What lora-packet read of our frame is what we put in, and its own frame is ours byte for byte."""
    assert answer["mic"] is True, case
    for name in answer.keys() - {"mic", "made"}:
        assert answer[name] == case[name], (name, answer, case)
    assert answer["made"] == case["phy"], (answer, case)


def data_case(dice: random.Random) -> dict:
    """A data frame of any kind that may be sent, in lora-packet's terms, with ours in `phy`."""
    direction = dice.randrange(2)
    confirmed, adr, ack, bit_4 = (dice.random() < 0.5 for _ in range(4))
    adr_ack_req = direction == UPLINK and dice.random() < 0.5
    f_cnt = dice.choice((dice.randrange(1 << 16), dice.randrange(1 << 32), 0, 0xFFFF, 0x10000, 0xFFFFFFFF))
    f_port = dice.choice((None, 0, dice.randrange(1, 224)))
    f_opts = b"" if f_port == 0 else dice.randbytes(dice.choice((0, dice.randrange(16))))
    payload = b"" if f_port is None else dice.randbytes(dice.choice((0, 16, 51, dice.randrange(243 - len(f_opts)))))
    nwk_s_key, app_s_key, dev_addr = dice.randbytes(16), dice.randbytes(16), dice.randrange(1 << 32)
    phy = seal_data(
        SessionKeys(nwk_s_key, app_s_key),
        direction,
        dev_addr,
        f_cnt,
        f_port,
        payload,
        confirmed=confirmed,
        f_opts=f_opts,
        adr=adr,
        adr_ack_req=adr_ack_req,
        ack=ack,
        **{"class_b" if direction == UPLINK else "f_pending": bit_4},
    )
    return {
        "kind": "data",
        "phy": phy.hex(),
        "mtype": UNCONFIRMED_DATA_UP + direction + 2 * confirmed,
        "nwk_s_key": nwk_s_key.hex(),
        "app_s_key": app_s_key.hex(),
        "dev_addr": f"{dev_addr:08x}",
        "adr": adr,
        "adr_ack_req": adr_ack_req,
        "ack": ack,
        "bit_4": bit_4,
        "f_cnt_lower": f"{f_cnt & 0xFFFF:04x}",
        "f_cnt_upper": (f_cnt >> 16).to_bytes(2, "little").hex(),
        "f_opts": f_opts.hex(),
        "f_port": f_port,
        "payload": payload.hex(),
    }


def test_data_frames(seed: str):
    cases = cases_of(data_case, DATA_FRAMES, seed)
    for case, answer in zip(cases, ask(cases), strict=True):
        agree(case, answer)
        frame = parse_frame(bytes.fromhex(answer["made"]))
        keys = SessionKeys(bytes.fromhex(case["nwk_s_key"]), bytes.fromhex(case["app_s_key"]))
        f_cnt = int.from_bytes(bytes.fromhex(case["f_cnt_upper"]), "little") << 16 | int(case["f_cnt_lower"], 16)
        assert mic_matches(keys, frame, frame.direction, f_cnt), case
        assert open_payload(keys, frame, frame.direction, f_cnt).hex() == case["payload"], case
        assert (frame.mtype, f"{frame.dev_addr:08x}", frame.f_port) == (case["mtype"], case["dev_addr"], case["f_port"])
        assert frame.f_opts.hex() == case["f_opts"]
        flags = (
            frame.adr,
            frame.adr_ack_req,
            frame.ack,
            frame.class_b if frame.direction == UPLINK else frame.f_pending,
        )
        assert flags == (case["adr"], case["adr_ack_req"], case["ack"], case["bit_4"]), case


def join_request_case(dice: random.Random) -> dict:
    """A Join-Request in lora-packet's terms, with ours in `phy`."""
    app_key, join_eui, dev_eui = dice.randbytes(16), dice.randbytes(8), dice.randbytes(8)
    dev_nonce = dice.randrange(1 << 16)
    return {
        "kind": "join_request",
        "phy": seal_join_request(app_key, join_eui, dev_eui, dev_nonce).hex(),
        "app_key": app_key.hex(),
        "join_eui": join_eui.hex(),
        "dev_eui": dev_eui.hex(),
        "dev_nonce": f"{dev_nonce:04x}",
    }


def join_accept_case(dice: random.Random) -> dict:
    """A Join-Accept, with and without CFList, in lora-packet's terms, with ours in `phy`."""
    app_key, dev_nonce = dice.randbytes(16), dice.randrange(1 << 16)
    cf_list = tuple(dice.choice((0, dice.randrange(1 << 24) * 100)) for _ in range(5)) if dice.random() < 0.5 else None
    accept = JoinAccept(
        dice.randrange(1 << 24),
        dice.randrange(1 << 24),
        dice.randrange(1 << 32),
        dice.randrange(8),
        dice.randrange(16),
        dice.randrange(16),
        cf_list,
    )
    nwk_s_key, app_s_key = derive_session_keys(app_key, accept.join_nonce, accept.net_id, dev_nonce)
    return {
        "kind": "join_accept",
        "phy": seal_join_accept(app_key, accept).hex(),
        "app_key": app_key.hex(),
        "dev_nonce": f"{dev_nonce:04x}",
        "join_nonce": f"{accept.join_nonce:06x}",
        "net_id": f"{accept.net_id:06x}",
        "dev_addr": f"{accept.dev_addr:08x}",
        "dl_settings": f"{accept.rx1_dr_offset << 4 | accept.rx2_data_rate:02x}",
        "rx_delay": f"{accept.rx_delay:02x}",
        "cf_list": "".join((f // 100).to_bytes(3, "little").hex() for f in cf_list) + "00" if cf_list else "",
        "nwk_s_key": nwk_s_key.hex(),
        "app_s_key": app_s_key.hex(),
    }


def test_join_requests(seed: str):
    cases = cases_of(join_request_case, JOINS, seed)
    for case, answer in zip(cases, ask(cases), strict=True):
        agree(case, answer)
        request = parse_join_request(bytes.fromhex(answer["made"]))
        assert join_request_matches(bytes.fromhex(case["app_key"]), request), case
        assert (request.join_eui.hex(), request.dev_eui.hex()) == (case["join_eui"], case["dev_eui"])
        assert f"{request.dev_nonce:04x}" == case["dev_nonce"]


def test_join_accepts_and_the_keys_that_follow(seed: str):
    cases = cases_of(join_accept_case, JOINS, seed)
    for case, answer in zip(cases, ask(cases), strict=True):
        agree(case, answer)
        accept = open_join_accept(bytes.fromhex(case["app_key"]), bytes.fromhex(answer["made"]))
        assert f"{accept.join_nonce:06x} {accept.net_id:06x}" == f"{case['join_nonce']} {case['net_id']}"
        assert f"{accept.dev_addr:08x}" == case["dev_addr"]
        assert f"{accept.rx1_dr_offset << 4 | accept.rx2_data_rate:02x}" == case["dl_settings"]
        assert f"{accept.rx_delay:02x}" == case["rx_delay"]
        again = b"" if accept.cf_list is None else b"".join((f // 100).to_bytes(3, "little") for f in accept.cf_list)
        assert again.hex() == case["cf_list"][:30]
