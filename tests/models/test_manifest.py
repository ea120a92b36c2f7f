"""What is wrong with a folder of data is said before anything is measured."""

from pathlib import Path

import pytest

from models.errors import DataError
from models.manifest import read_manifest

pytestmark = pytest.mark.unit


def test_rows_are_read_with_columns_nobody_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "manifest.csv").write_text(
        'path,lang,more,text\na.wav,en,x,"yes, it is"\n', encoding="utf-8"
    )

    rows = read_manifest(tmp_path, ["path", "lang", "text"])

    assert rows == [{"path": "a.wav", "lang": "en", "more": "x", "text": "yes, it is"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "expected manifest.csv"),
        ("path,text\n", "no column lang"),
        ("", "no column path, lang, text"),
        ("path,lang,text\n", "no rows"),
        ("path,lang,text\nb.wav,en,yes\n", "line 2 names b.wav, which is not there"),
        ("path,lang,text\n\nb\0.wav,en,yes\n", "line 3 names .*, which is not there"),
        ("path,lang,text\na.wav,en\n", "line 2: no text"),
        ("path,lang,text\n,en,\n", "line 2: no path, text"),
        ("path;lang;text\na.wav;en;yes\n", "separated by commas"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "manifest.csv").write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=message):
        read_manifest(tmp_path, ["path", "lang", "text"])


def test_a_table_from_another_program_is_read(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.wav").touch()
    folder = tmp_path / "data"
    folder.mkdir()
    content = f"\ufeffPath, Lang ,TEXT\r\n{elsewhere / 'b.wav'},en,yes,more\r\n\r\n"
    (folder / "manifest.csv").write_text(content, encoding="utf-8", newline="")

    (row,) = read_manifest(folder, ["path", "lang", "text"])

    assert row == {"path": "../elsewhere/b.wav", "lang": "en", "text": "yes"}


def test_what_cannot_be_read_says_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes("path,größe\n".encode("latin-1"))

    with pytest.raises(DataError, match=r"expected manifest.csv with path .* in UTF-8"):
        read_manifest(tmp_path, ["path"])
    with pytest.raises(DataError, match=r"expected manifest.csv .* Not a directory"):
        read_manifest(tmp_path / "manifest.csv", ["path"])
