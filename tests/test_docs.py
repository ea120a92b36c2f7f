"""The documentation says what the code does."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from evaluation.__main__ import main as evaluate
from server.cli import main as calmline
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


def commands_in(page: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Every command that a page names: the program, the words after it, the options."""
    text = page.read_text(encoding="utf-8")
    block = re.compile(r"^```\n(.*?)^```", re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`]+)`", block.sub("", text))
    for line in [*spans, *"".join(block.findall(text)).splitlines()]:
        for command in " ".join(line.split()).partition(" #")[0].split("; "):
            named = re.match(r"(?:\S*/)?(calmline|python -m evaluation) (.+)", command)
            if named is None:
                continue
            # Of what can be chosen, the first; what may be left out is not.
            written = named[2].replace("\\|", "|").partition(" | ")[0]
            words = [word.strip("[]").partition("|")[0] for word in written.split()]
            options = [word for word in words if word.startswith("--")]
            plain = words[: words.index(options[0])] if options else words
            yield named[1], plain, options


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))],
    ids=lambda page: page.stem,
)
def test_every_command_and_option_that_a_page_names_is_there(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for program, words, options in commands_in(page):
        with pytest.raises(SystemExit) as ended:
            (calmline if program == "calmline" else evaluate)([*words, "--help"])
        told = capsys.readouterr()
        assert ended.value.code == 0, f"{page.name}: {program} {words}: {told.err}"
        for option in options:
            assert option in told.out, f"{page.name}: {program} {words} {option}"
