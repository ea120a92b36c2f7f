"""Every command over stored calls, as somebody types it."""

import csv
import json
import re
import runpy
import sys
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from evaluation.desk import fill
from evaluation.desk_calls import made_calls
from server.cli import main
from server.config import ServiceSettings
from server.store import Store

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    (folder / "data").mkdir()
    store = Store(ServiceSettings(data_dir=folder / "data").url)
    fill(store, islice(made_calls(30, seed=3), 30))
    store.close()
    return folder


@pytest.fixture
def house(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CALMLINE_SERVICE_DATA_DIR", str(folder / "data"))
    monkeypatch.chdir(folder)
    return folder


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(str(ended.value.code))


def customers(house: Path) -> list[str]:
    store = Store(ServiceSettings(data_dir=house / "data").url)
    try:
        return [call.customer_ref for call in store.calls(live=False, limit=99)]
    finally:
        store.close()


def test_a_report_is_written_in_every_form(house: Path) -> None:
    for name in ("report.csv", "report.json", "report.parquet"):
        assert run("report", "--by", "all", "--out", house / name) == 0

    with (house / "report.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert json.loads((house / "report.json").read_text(encoding="utf-8"))
    assert pq.read_table(house / "report.parquet").num_rows == len(rows)


def test_a_report_in_another_form_is_refused_and_counts_as_none(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("audit", "anchor")
    before = capsys.readouterr().out

    assert run("report", "--out", house / "report.xlsx") == 2

    assert ".csv or .json or .parquet" in capsys.readouterr().err
    run("audit", "anchor")
    assert capsys.readouterr().out == before != ""


def test_a_call_is_exported_and_that_it_was_is_in_the_audit_log(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("export", "made-00001", "--out", house / "out") == 0

    suffixes = {path.suffix for path in (house / "out").rglob("*") if path.is_file()}
    assert suffixes >= {".csv", ".json", ".rttm", ".vtt"}
    assert run("audit", "verify") == 0
    capsys.readouterr()
    assert run("audit", "export") == 0
    assert "made-00001" in capsys.readouterr().out


def test_a_log_that_was_changed_is_named(house: Path) -> None:
    exported, anchors = house / "audit.jsonl", house / "anchors.txt"
    run("export", "made-00002", "--out", house / "out")
    assert run("audit", "anchor", "--append-to", anchors) == 0
    assert run("audit", "export", "--out", exported) == 0
    assert run("audit", "verify", "--export", exported) == 0
    assert run("audit", "verify", "--anchors", anchors) == 0

    text = exported.read_text(encoding="utf-8").replace("made-00002", "made-00003")
    exported.write_text(text, encoding="utf-8")

    assert run("audit", "verify", "--export", exported) == 1


def test_what_is_held_is_not_erased_and_what_is_erased_has_a_receipt(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ref = customers(house)[0]
    receipt = house / "receipt.json"
    assert run("retention", "hold", "--customer", ref, "--reason", "a dispute") == 0
    run("erase", ref, "--receipt", receipt)
    assert ref in customers(house)
    capsys.readouterr()
    assert run("retention", "holds") == 0
    (hold_id,) = re.findall(r"\b[0-9a-f]{8,16}\b", capsys.readouterr().out)
    assert run("retention", "release", hold_id) == 0
    receipt.unlink(missing_ok=True)

    assert run("erase", ref, "--receipt", receipt) == 0

    assert ref not in customers(house)
    assert ref not in receipt.read_text(encoding="utf-8")
    assert run("retention", "run", "--dry-run") == 0


def test_the_module_is_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["calmline", "--version"])
    monkeypatch.delitem(sys.modules, "server.cli")

    with pytest.raises(SystemExit) as ended:
        runpy.run_module("server.cli", run_name="__main__")

    assert not ended.value.code
    assert capsys.readouterr().out.strip()
