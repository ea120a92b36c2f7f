"""The documentation says what the code does."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from server.config import Settings
from server.errors import CloseCode
from server.wire import EVENT_TYPES, schema

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def test_every_setting_is_documented_with_its_default() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    for section in fields(Settings):
        assert f"## [{section.name}]" in text
        for setting in fields(get_type_hints(Settings)[section.name]):
            default = setting.default
            shown = list(default) if isinstance(default, tuple) else default
            shown = str(shown) if isinstance(shown, Path) else shown
            row = f"| `{setting.name}` | `{json.dumps(shown)}` |"
            assert row in text


def test_every_close_code_is_documented() -> None:
    text = (DOCS / "protocol.md").read_text(encoding="utf-8")

    for code in CloseCode:
        assert f"| {int(code)} |" in text


def test_the_event_schema_is_the_one_of_the_classes() -> None:
    text = (DOCS / "events.schema.json").read_text(encoding="utf-8")

    assert json.loads(text) == schema(), "run: make schema"


def test_the_pages_know_every_kind_of_event() -> None:
    source = ROOT / "server" / "web" / "src" / "lib" / "events.ts"
    text = source.read_text(encoding="utf-8")

    for kind in EVENT_TYPES:
        assert re.search(rf"\b{kind}\b", text), f"events.ts does not know {kind}"


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
