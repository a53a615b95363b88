"""From a blank board to its first reading: the real esptool, mpremote's transport, firmware and gateway."""

import csv
import json
import time

from boards.catalogue.known import load
from boards.enrolment.gateway import Gateway
from boards.flashing.image import parse_image
from boards.flashing.loading import RealLoader
from simulator.commands.station import Station
from simulator.scenario.reading import load_scenario
from simulator.scenario.shipped import scenario_path
from tests.boards.bench import Bench
from tests.boards.desk import IMAGE, Desk
from tests.boards.forwarder import EUI, Forwarder

PATIENCE_S = 300  # on a busy machine the first reading is from before the node was registered, and the next counts


def air_board(bench, number=1):
    return bench.device(number, load("heltec-v3").table("air"), image=IMAGE)


def test_a_blank_board_becomes_a_node_whose_reading_arrives(code, tmp_path):
    station = Station(tmp_path, load_scenario(scenario_path("demo")), [EUI])
    with station, Bench(hurry=0.02) as bench:
        forwarder = Forwarder(bench, station.address)
        device = air_board(bench)
        desk = Desk(tmp_path, code)
        image = parse_image(IMAGE, tmp_path / "micropython.bin")
        order = desk.order(gateway=Gateway(str(tmp_path / "api.sock")), image=image)
        done = desk.flash(device, RealLoader(tmp_path / "images"), order)
        assert device.flash.content.startswith(IMAGE)
        assert {said for _, said in done.tests} == {"ok"}
        until_s = time.monotonic() + PATIENCE_S
        readings = []
        while not readings and time.monotonic() < until_s:
            rows, _ = station.readings(0)
            # What it measured before it was registered hung nowhere yet.
            readings = [row for row in rows if row["kind"] == "reading" and row["place"] is not None]
            time.sleep(0.05)
        forwarder.close()
    assert readings[0]["place"] == "92002-station-1"
    assert readings[0]["values"]["temperature"] is not None
    assert device.board.brought_down == []
    assert device.antenna.lost == []
    record = json.loads((desk.records.folder / f"{done.mac}.json").read_text())
    assert record["registered"] == str(tmp_path / "api.sock")
    assert record["app_key"] == record["gen_app_key"] == ""
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert [(row["dev_eui"], row["place"]) for row in rows] == [(done.dev_eui.hex(), "92002-station-1")]
