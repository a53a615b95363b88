"""Rows of a CSV file, and the sentences for each way in which one can be wrong."""

import re

import pytest

from simulator.stimuli.replay.rows import MOST_LINE, ReplayError, Rows
from tests.simulator.stimuli.replay.files import write


def rows(folder, text: str, *columns: str, delimiter: str = ",", encoding: str = "utf-8") -> list[list[str]]:
    return list(Rows(write(folder, text, encoding=encoding), delimiter, columns))


def refused(folder, text: str, *columns: str, delimiter: str = ",", encoding: str = "utf-8") -> str:
    with pytest.raises(ReplayError) as caught:
        rows(folder, text, *columns, delimiter=delimiter, encoding=encoding)
    return str(caught.value).removeprefix(str(folder)).lstrip("/\\")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_columns_are_found_by_name_whatever_separates_them(tmp_path, delimiter, end, encoding):
    text = end.join(["a;b;c", "1; 2 ;3", "", "4;5;6", ""]).replace(";", delimiter)
    assert rows(tmp_path, text, "c", "b", delimiter=delimiter, encoding=encoding) == [["3", "2"], ["6", "5"]]


def test_quoted_cells_may_hold_what_separates_others(tmp_path):
    assert rows(tmp_path, 'a,b\n"1,5","two\nlines"\n2,x\n', "a", "b") == [["1,5", "two\nlines"], ["2", "x"]]


def test_lines_are_counted_as_an_editor_does(tmp_path):
    found = Rows(write(tmp_path, 'a,b\n1,"x\ny"\n\n2,z\n'), ",", ("a",))
    assert [(row[0], found.line) for row in found] == [("1", 3), ("2", 5)]


def test_a_column_too_many_that_is_empty_is_let_pass(tmp_path):
    assert rows(tmp_path, "a,b\n1,2,\n3,4,,\n", "b") == [["2"], ["4"]]


def test_a_missing_column_lists_those_there_are_and_the_nearest(tmp_path):
    assert refused(tmp_path, "time,temp_c,rh_pct\n", "time", "temp_f") == (
        "series.csv, line 1: there is no column 'temp_f'; did you mean 'temp_c'? "
        "The file has 'time', 'temp_c', 'rh_pct'"
    )
    assert "did you mean 'no2_ug_m3'?" in refused(tmp_path, "time,pt08_no2,no2_ug_m3\n", "NO2")
    assert refused(tmp_path, "a,b\n", "colour") == (
        "series.csv, line 1: there is no column 'colour'; the file has 'a', 'b'"
    )


def test_a_wrong_delimiter_is_guessed(tmp_path):
    assert refused(tmp_path, "time;place;value\n", "time") == (
        "series.csv, line 1: there is no column 'time'; should it be delimiter = \";\"? The file has 'time;place;value'"
    )
    assert 'delimiter = "\\t"?' in refused(tmp_path, "uhr\tort\n", "zeit")


def test_of_many_columns_some_are_listed(tmp_path):
    message = refused(tmp_path, ",".join(f"c{number}" for number in range(100)), "x")
    assert "'c39' and 60 more" in message
    assert "'c40'" not in message


def test_what_is_no_table_is_told(tmp_path):
    assert refused(tmp_path, "", "a") == "series.csv, line 1: no header; the first line must name the columns"
    assert refused(tmp_path, "a,b,a\n", "a") == ("series.csv, line 1: 2 columns are called 'a'; rename all but one")
    assert refused(tmp_path, "a,b,c\n1,2,3\n4,5\n", "c") == "series.csv, line 3: 2 columns; the header has 3"
    assert refused(tmp_path, "a,b\n1,5,2,5\n", "a") == (
        "series.csv, line 2: 4 columns; the header has 2; are there commas in its numbers? "
        "Then they need quotes, or another delimiter"
    )
    assert refused(tmp_path, "a\n" + "x" * MOST_LINE, "a") == (
        f"series.csv, line 2: longer than {MOST_LINE} characters; is it a CSV file?"
    )
    assert refused(tmp_path, "a,b\n1,été\n", "a", encoding="latin-1") == (
        "series.csv, after line 0: not UTF-8; save the file as UTF-8"
    )
    left_open = 'a,b\n1,2\n3,"4\n' + "5,6\n" * 40_000
    assert re.fullmatch(
        r"series.csv, after line 2: .* limit .*; was a quote left open\?", refused(tmp_path, left_open, "a")
    )


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ReplayError, match=r"none\.csv: cannot be read: No such file"):
        list(Rows(tmp_path / "none.csv", ",", ("a",)))


def test_a_row_that_is_short_of_columns_nobody_asks_for_is_let_pass(tmp_path):
    assert rows(tmp_path, "a,b,c\n1,2\n", "b") == [["2"]]
