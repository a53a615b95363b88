"""The documents say what is true: their links lead somewhere, their commands exist, their examples run."""

import contextlib
import io
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = [REPOSITORY / folder / "README.md" for folder in ("", "protocol", "simulator")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_every_link_and_file_named_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"\]\(([^)#]+)\)", text) + re.findall(r"`((?:\w+/)+[\w.]*)`", text)
    assert named
    for name in named:
        places = [document.parent, REPOSITORY, *(folder for folder in REPOSITORY.iterdir() if folder.is_dir())]
        assert any((place / name).exists() for place in places), f"{document.name} names {name}"


def test_every_make_target_named_exists() -> None:
    targets = re.findall(r"^(\w+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = set(re.findall(r"(?:^|`)make (\w+)", DOCUMENTS[0].read_text(encoding="utf-8"), re.MULTILINE))
    assert {"demo", "test", "quick", "bench", "soak", "lint", "clean"} <= set(targets)
    assert named <= set(targets)


def test_the_frame_taken_apart_in_the_documents_reads_as_they_say() -> None:
    text = DOCUMENTS[1].read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (listing,) = re.findall(r"```\n(94 .*?)```", text, re.DOTALL)
    by_hand = "".join(re.match(r" *((?:[0-9A-F]+ )*)", line)[1] for line in listing.splitlines())  # type: ignore[index]
    in_code = re.search(r'fromhex\("(.*?)"\)', code)
    assert in_code
    assert bytes.fromhex(by_hand) == bytes.fromhex(in_code[1])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    lines = printed.getvalue().splitlines()
    assert len(lines) == 16
    assert lines[3] == "1000 pm10 14.0 ug/m3"
    assert lines[-3:] == ["999 temperature 20.9 Cel", "999 relative_humidity 63.0 %", "999 pressure 1013.3 hPa"]
