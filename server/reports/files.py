"""A report as a flat table: one line for each set and figure, as CSV or Parquet."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, fields

from server.reports.figures import Estimate, Figures
from server.reports.report import Report

_BOM = "\ufeff"
"""Without it a widespread spreadsheet reads Chinese as Latin-1."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        by: what calls are set apart by.
        key: which set; ``*`` is all calls together.
        figure: its name, joined by dots.
        at_s: seconds from the take-off, for a point of a shape; else None.
        unit: ``share``, ``s``, ``points`` or ``count``.
    """

    by: str
    key: str
    figure: str
    at_s: int | None
    value: float
    low: float | None
    high: float | None
    unit: str
    n_calls: int


def rows(report: Report) -> Iterator[Row]:
    """Every figure of a report."""
    if report.all is not None:
        yield from _rows(report, "*", report.all)
    for cell in report.cells:
        yield from _rows(report, cell.key, cell.figures)


def _rows(report: Report, key: str, figures: Figures) -> Iterator[Row]:
    by, n_calls = str(report.by), figures.n_calls
    yield Row(by, key, "calls", None, n_calls, None, None, "count", n_calls)
    estimates: list[tuple[str, str, Estimate | None]] = [
        ("took_off", "share", figures.took_off),
        ("cooled", "share", figures.cooled),
        ("time_to_cool", "s", figures.cool_s),
        ("pause_adherence", "share", figures.adherence),
    ]
    if figures.effect is not None:
        effect = figures.effect
        estimates += [
            (f"cue.{name}", "points", getattr(effect, name))
            for name in ("followed", "ignored", "difference", "adjusted")
        ]
    for name, unit, it in estimates:
        if it is not None:
            yield Row(by, key, name, None, it.value, it.low, it.high, unit, it.n_calls)
    shape = figures.shape
    if shape is not None:
        for index, mean in enumerate(shape.mean):
            if mean is not None:
                yield Row(
                    by,
                    key,
                    "shape",
                    shape.from_s + index * shape.step_s,
                    mean,
                    shape.low[index],
                    shape.high[index],
                    "points",
                    shape.n_calls,
                )


def to_csv(report: Report) -> str:
    """The table as CSV, with a heading."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    names = [field.name for field in fields(Row)]
    table.writerow(names)
    for row in rows(report):
        table.writerow([_cell(getattr(row, name)) for name in names])
    return _BOM + file.getvalue()


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value


def to_parquet(report: Report) -> bytes:
    """The table as Parquet."""
    # It takes half a second to import, and nothing else here needs it.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    types = {"at_s": pa.int32(), "n_calls": pa.int32()}
    kinds = {
        field.name: types.get(
            field.name, pa.string() if field.type is str else pa.float64()
        )
        for field in fields(Row)
    }
    lines = list(rows(report))
    table = pa.table(
        {
            name: pa.array([getattr(row, name) for row in lines], kind)
            for name, kind in kinds.items()
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()
