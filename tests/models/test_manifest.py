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
        ("path,lang,text\nb.wav,en,yes\n", "b.wav, which is not there"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "manifest.csv").write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=message):
        read_manifest(tmp_path, ["path", "lang", "text"])
