"""A folder of data: recordings and a `manifest.csv` that says what they are."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from models.errors import DataError


def read_manifest(folder: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read `manifest.csv`; more columns than the needed ones are welcome.

    Names of columns are read in lower case and without the spaces around them.

    Args:
        folder: holds `manifest.csv`, and the recordings at the paths in it.
        columns: those that must be there, with a value in every row; `path` is
            checked to name a file, and comes back relative to the folder.

    Raises:
        DataError: the manifest, a column or a value is missing, or a file that it
            names, or it cannot be read.
    """
    expected = f"expected manifest.csv with {', '.join(columns)} in {folder}"
    try:
        # Tables that were exported on Windows begin with a byte order mark.
        with (folder / "manifest.csv").open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            found = [name.strip().lower() for name in next(lines, ())]
            values = [(lines.line_num, row) for row in lines if any(row)]
    except OSError as error:
        raise DataError(f"{expected}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{expected}, separated by commas, in UTF-8") from error
    if missing := [column for column in columns if column not in found]:
        raise DataError(
            f"manifest.csv has no column {', '.join(missing)}; it has "
            f"{', '.join(found) or 'none'} (expected names separated by commas)"
        )
    if not values:
        raise DataError("manifest.csv has no rows")
    return [
        _checked(folder, columns, dict(zip(found, row, strict=False)), number)
        for number, row in values
    ]


def _checked(
    folder: Path, columns: Sequence[str], row: dict[str, str], number: int
) -> dict[str, str]:
    where = f"manifest.csv, line {number}"
    if missing := [name for name in columns if not row.get(name, "").strip()]:
        raise DataError(f"{where}: no {', '.join(missing)}")
    try:
        is_there = (folder / row["path"]).is_file()
    except ValueError:  # A NUL is in no name.
        is_there = False
    if not is_there:
        raise DataError(f"{where} names {row['path']}, which is not there")
    if Path(row["path"]).is_absolute():
        return row | {"path": os.path.relpath(row["path"], folder.resolve())}
    return row
