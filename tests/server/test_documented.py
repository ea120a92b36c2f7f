"""docs/protocol.md names what the running service has, all of it and no more."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service_under_test import get, in_loop, service

pytestmark = pytest.mark.service

PROTOCOL = Path(__file__).parents[2] / "docs" / "protocol.md"


def rows_below(heading: str) -> Iterator[str]:
    """The first cell of each row of the table below a heading."""
    text = PROTOCOL.read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    for line in section.replace("\\|", " ").splitlines():
        if line.startswith("| ") and "`" in line:
            yield line.split("|")[1]


def documented_routes() -> set[tuple[str, str]]:
    """Methods stand before the paths that they are for: ``GET POST `/a` `/b```."""
    found = set()
    for cell in rows_below("HTTP"):
        for methods, paths in re.findall(r"([A-Z][A-Z ]+)((?:`[^`]+` ?)+)", cell):
            for path in re.findall(r"`([^`?]+)[^`]*`", paths):
                plain = re.sub(r"<\w+>", "{}", path)
                found |= {(method, plain) for method in methods.split()}
    return found


@in_loop
async def test_every_route_and_every_figure_is_documented(tmp_path: Path) -> None:
    async with service(tmp_path) as addresses:
        paths = (await get(addresses, "/openapi.json")).json()["paths"]
        figures = (await get(addresses, "/metrics")).text

    routes = {
        (method.upper(), re.sub(r"{\w+}", "{}", path))
        for path, methods in paths.items()
        for method in methods
    }
    assert documented_routes() == routes
    told = set(re.findall(r"^# TYPE (\w+)", figures, re.MULTILINE))
    ours = {name for name in told if not name.endswith("_created")}
    named = {cell.strip(" `") for cell in rows_below("Figures for Prometheus")}
    assert named == ours
