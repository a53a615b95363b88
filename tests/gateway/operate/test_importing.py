"""A thousand devices at once: CSV as spreadsheets make it, JSON, and every mistake told with its line and no key."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.network.registration import Role
from gateway.operate.importing import (
    MAX_ROWS,
    Batch,
    conflicts,
    kind_of_place,
    parse_csv,
    parse_json,
    parse_rows,
    rows_of,
)
from gateway.places.place import Place, PlaceKind

NOW_MS = 1_790_000_000_000
KEY = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"


def key(number: int) -> str:
    return f"{KEY[:24]}{number:08x}"


def csv(*rows: str, header: str = "dev_eui;role;app_key;place", end: str = "\n") -> bytes:
    return end.join((header, *rows)).encode()


def sentences(batch: Batch) -> list[tuple[int | None, str]]:
    return [(fault.line, fault.sentence) for fault in batch.faults]


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [";", ","])
def test_csv_is_read_as_spreadsheets_write_it(bom, end, delimiter):
    rows = [
        "70B3D57ED0050001;parking;" + key(1) + ";92002-bay-a12",
        "",
        "70-b3-d5-7e-d0-05-00-02;light;" + key(2) + ";",
    ]
    batch = parse_csv(bom + csv(*rows, end=end).replace(b";", delimiter.encode()), NOW_MS)
    assert batch.faults == ()
    one, two = batch.registrations
    assert one.dev_eui.hex() == "70b3d57ed0050001"
    assert one.app_key.hex() == key(1)
    assert (one.role, one.class_c) == (Role.PARKING, False)
    assert (two.role, two.class_c) == (Role.LIGHT, True)
    assert batch.places == (Place(place_id="92002-bay-a12", kind=PlaceKind.BAY),)
    [hangs] = batch.installed
    assert (hangs.dev_eui, hangs.instance, hangs.from_ms, hangs.to_ms) == (one.dev_eui, 0, NOW_MS, None)


def test_a_thousand_devices_are_read():
    rows = [f"70b3d57ed1{at:06x};air;{key(at)};92002-station-s{at}" for at in range(1000)]
    batch = parse_csv(csv(*rows), NOW_MS)
    assert batch.faults == ()
    assert len(batch.registrations) == len(batch.places) == len(batch.installed) == 1000


def test_json_has_the_same_rows_as_a_list_or_below_devices():
    row = {"dev_eui": "70b3d57ed0050001", "role": "air", "app_key": KEY, "min_dr": 2, "zone": None}
    rows = [row | {"place": "92002-station-s1", "latitude_deg": 48.7536, "longitude_deg": 2.3}]
    batch = parse_json(json.dumps(rows).encode(), NOW_MS)
    assert batch.faults == ()
    assert batch.places[0].latitude_deg == 48.7536
    assert batch.registrations[0].min_dr == 2
    assert parse_json(json.dumps({"devices": rows}).encode(), NOW_MS) == batch


def test_abp_takes_a_session_instead_of_a_key():
    row = {
        "dev_eui": "70b3d57ed0050001",
        "role": "foreign",
        "dev_addr": "26011BDA",
        "nwk_s_key": key(1),
        "app_s_key": key(2),
    }
    batch = parse_rows([(1, row)], NOW_MS)
    assert batch.faults == ()
    abp = batch.registrations[0].abp
    assert (abp.dev_addr, abp.nwk_s_key.hex(), abp.app_s_key.hex()) == (0x26011BDA, key(1), key(2))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"dev_eui": "0011"}, "DevEUI '0011' has 4 hex digits; expected 16, as printed on the label"),
        ({"dev_eui": ""}, "DevEUI '' has 0 hex digits"),
        ({"dev_eui": "7,0B3D57E+15"}, "DevEUI '7,0B3D57E+15': character 2 is not a hex digit"),
        ({"dev_eui": "7,03E+15"}, "was made a number by a spreadsheet; format the column as text"),
        ({"dev_eui": "0000000000000000"}, "is nobody's"),
        ({"dev_eui": "452301feff7fb324"}, "is written backwards; the label says 24b37ffffe012345"),
        ({"role": "lamp"}, "role is 'lamp'; write one of parking, air, light, foreign"),
        ({"app_key": None}, "has no app_key"),
        ({"app_key": KEY[:30]}, "AppKey has 30 hex digits; expected 32"),
        ({"app_key": "0" * 32}, "AppKey is all zeros; make a random one"),
        ({"app_key": "2b7e151628aed2a6abf7158809cf4f3c"}, "AppKey is one that stands in every textbook"),
        ({"app_key": "9,8E+31"}, "AppKey was made a number by a spreadsheet"),
        ({"app_key": [KEY]}, "app_key is a list; write a text or a number"),
        ({"plan": "eu"}, "no channel plan is called 'eu'"),
        ({"min_dr": "9"}, "min_dr is '9'; write a number 0..5"),
        ({"class_c": "maybe"}, "class_c is 'maybe'; write one of yes, true, 1, no, false, 0"),
        ({"dev_addr": "26011bda"}, "has an AppKey and the session of ABP; write one of them"),
        ({"appkey": KEY}, "has an unknown column 'appkey'; did you mean app_key?"),
        ({"zone": "centre"}, "has zone without a place"),
        ({"place": "a12"}, "place 'a12' is not <INSEE code>-<bay, lamp or station>-<name>, as 92002-bay-a12"),
        ({"place": "92002-lamp-a12"}, "puts a device of role parking at a lamp: 92002-lamp-a12"),
        ({"place": "92002-bay-a12", "latitude_deg": "48,7"}, "has one of latitude_deg and longitude_deg"),
        ({"place": "92002-bay-a12", "latitude_deg": "487"}, "latitude_deg is '487'; write a number -90..90"),
    ],
)  # fmt: skip
def test_a_mistake_says_what_to_write_instead_and_never_the_key(row, says):
    right = {"dev_eui": "70b3d57ed0050001", "role": "parking", "app_key": KEY}
    found = sentences(parse_rows([(5, right | row)], NOW_MS))
    assert any(says in sentence and line == 5 for line, sentence in found), found
    assert not any(KEY in sentence for _, sentence in found)


def test_all_mistakes_are_told_with_the_lines_of_the_file():
    batch = parse_csv(
        csv(
            "70b3d57ed0050001;parking;" + key(1) + ";",
            "0011;parking;" + key(2) + ";",
            "70b3d57ed0050003;parking",
            '"70b3d57ed0050004";"air";"' + key(1) + '";',
            "70b3d57ed0050001;air;" + key(5) + ";",
            "010005d07ed5b370;air;" + key(6) + ";",
        ),
        NOW_MS,
    )
    assert sentences(batch) == [
        (3, "DevEUI '0011' has 4 hex digits; expected 16, as printed on the label"),
        (4, "has 2 columns, the header has 4"),
        (5, "AppKey stands in line 2 already; every device has its own"),
        (6, "DevEUI 70b3d57ed0050001 stands in line 2 already; every device has its own"),
        (7, "DevEUI 010005d07ed5b370 is another row's backwards; write all as printed on the label"),
    ]


def test_a_cell_of_several_lines_does_not_shift_the_count():
    rows = ('70b3d57ed0050001;parking;"' + key(1) + '\n";', "0011;parking;x;")
    assert parse_csv(csv(*rows), NOW_MS).faults[0].line == 4


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"a;b\n1;2\n", "is no header with dev_eui"),
        (b"", "is no header with dev_eui"),
        (b"dev_eui;role;dev_eui\n", "names the column dev_eui twice"),
        (b"dev_eui;app key\n", "has an unknown column 'app key'; did you mean app_key?"),
        (
            "dev_eui;name\n70b3d57ed0050001;Évry\n".encode("latin-1"),
            "is not UTF-8; in the spreadsheet choose `CSV UTF-8`",
        ),
        (b'dev_eui;name\n"70b3d57ed0050001;x\n', "is not CSV"),
        (b"x" * (5 << 20), "the file has more than"),
    ],
)
def test_a_file_that_is_none_says_so(raw, says):
    batch = parse_csv(raw, NOW_MS)
    assert batch.registrations == ()
    assert any(says in sentence for _, sentence in sentences(batch))


@pytest.mark.parametrize("raw", [b"{", b"5", b'{"x": []}', b"[" * 100_000, b"[5]", b"[[]]"])
def test_json_that_holds_no_rows_says_so(raw):
    batch = parse_json(raw, NOW_MS)
    assert batch.registrations == ()
    assert len(batch.faults) == 1


def test_more_than_one_gateway_serves_is_refused_and_faults_are_bounded():
    batch = parse_rows(((at, {"dev_eui": "x"}) for at in range(10**6)), NOW_MS)
    assert len(batch.faults) <= 202
    rows = ({"dev_eui": f"70b3d57ed1{at:06x}", "role": "air", "app_key": key(at)} for at in range(MAX_ROWS + 1))
    assert f"is beyond the {MAX_ROWS} devices" in parse_rows(enumerate(rows, 1), NOW_MS).faults[-1].sentence


def batch_of(*rows: dict[str, object]) -> Batch:
    batch = parse_rows(enumerate(rows, 1), NOW_MS)
    assert batch.faults == ()
    return batch


def test_what_the_store_has_already_is_told_all_at_once():
    row = {"role": "air", "place": "92002-station-s1", "zone": "centre", "name": "one"}
    before = batch_of(row | {"dev_eui": "70b3d57ed0050001", "app_key": key(1)})
    after = batch_of(
        {"dev_eui": "70b3d57ed0050001", "role": "air", "app_key": key(2)},
        {"dev_eui": "70b3d57ed0050004", "role": "air", "app_key": key(1), "name": "one"},
        {"dev_eui": "70b3d57ed0050005", "role": "air", "app_key": key(5), "place": "92002-station-s1", "zone": "north"},
    )
    found = conflicts(after, before.registrations, before.places, before.installed)
    assert [sentence.split(";")[0] for sentence in found] == [
        "DevEUI 70b3d57ed0050001 is registered already as 'one'",
        "DevEUI 70b3d57ed0050004 has the AppKey of 70b3d57ed0050001",
        "DevEUI 70b3d57ed0050004 has the name of 70b3d57ed0050001, 'one'",
        "place 92002-station-s1 exists with another zone or position",
        "place 92002-station-s1 has device 70b3d57ed0050001",
    ]
    assert conflicts(before, (), (), ()) == []
    mirrored = batch_of({"dev_eui": "010005d07ed5b370", "role": "air", "app_key": key(3)})
    [sentence] = conflicts(mirrored, before.registrations, (), ())
    assert sentence == "DevEUI 010005d07ed5b370 is a registered one backwards; write it as printed on the label"


@pytest.mark.parametrize("text", ["92002-bay-a12", "2a004-lamp-n-12", "54431-station-place_de_la_gare"])
def test_a_places_id_tells_its_kind(text):
    assert kind_of_place(text) is PlaceKind(text.split("-")[1])


@pytest.mark.parametrize(
    "text", ["", "92002-BAY-a", "92002-tree-a", "9200-bay-a", "92002-bay-", "92002-bay-é", "92002-bay-" + "a" * 60]
)
def test_what_is_no_places_id_is_refused(text):
    with pytest.raises(ValueError, match="is not <INSEE code>"):
        kind_of_place(text)


@given(
    st.lists(
        st.tuples(st.integers(1, 2**16 - 2), st.sampled_from(list(Role)), st.booleans(), st.integers(0, 5)),
        max_size=8,
        unique_by=lambda row: row[0],
    )
)
def test_rows_written_are_rows_read(devices):
    rows = [
        {
            "dev_eui": f"70b3d57ed005{number:04x}",
            "role": role.value,
            "app_key": key(number),
            "class_c": "yes" if class_c else "no",
            "min_dr": min_dr,
        }
        for number, role, class_c, min_dr in devices
    ]
    batch = batch_of(*rows)
    assert batch_of(*rows_of(batch)) == batch


@given(st.binary(max_size=300))
def test_no_file_makes_it_fail(raw):
    for parse, head in (
        (parse_csv, b"dev_eui,role,app_key\n"),
        (parse_csv, b""),
        (parse_json, b"["),
        (parse_json, b""),
    ):
        assert parse(head + raw, NOW_MS).registrations == ()
