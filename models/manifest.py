"""A folder of data: recordings and a `manifest.csv` that says what they are."""

import csv
from collections.abc import Sequence
from pathlib import Path

from models.errors import DataError


def read_manifest(folder: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read `manifest.csv`; more columns than the needed ones are welcome.

    Args:
        folder: holds `manifest.csv`, and the recordings at the paths in it.
        columns: those that must be there; `path` is checked to name a file.

    Raises:
        DataError: the manifest or a column is missing, or a file that it names.
    """
    file = folder / "manifest.csv"
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            rows = list(reader)
            found = reader.fieldnames or ()
    except FileNotFoundError as error:
        raise DataError(
            f"expected manifest.csv with {', '.join(columns)} in {folder}"
        ) from error
    if missing := [column for column in columns if column not in found]:
        raise DataError(
            f"manifest.csv has no column {', '.join(missing)}; it has "
            f"{', '.join(found)}"
        )
    if not rows:
        raise DataError("manifest.csv has no rows")
    for row in rows:
        if not (folder / row["path"]).is_file():
            raise DataError(f"manifest.csv names {row['path']}, which is not there")
    return rows
