"""What teams make of rules and playbooks, kept by version."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.errors import PlaybookError, RulesError
from alerts.playbook import load_playbook, playbook_to_json
from alerts.ruleset import load_rules, rules_to_json
from emotion.events import Phase
from server.store import Store
from server.team_books import SHIPPED, Kind, TeamBooks

pytestmark = pytest.mark.unit

SIGN = {"id": "x", "kind": "sign", "sign": "churn", "severity": "notice"}
BOTH = {"en": "Go on.", "zh": "您请说"}
LINE = {"id": "mine", "method": BOTH, "text": BOTH, "phases": ["peak"], "codes": []}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    store = Store(f"sqlite:///{tmp_path / 'x.db'}")
    yield store.engine
    store.close()


def test_a_team_has_what_is_shipped_until_it_makes_its_own(engine: sa.Engine) -> None:
    books = TeamBooks(engine)

    assert books.edition(Kind.RULES, "home").version == SHIPPED
    saved = books.save(Kind.RULES, "home", {"rule": [SIGN]}, "Mia")

    assert (saved.by, saved.team) == ("Mia", "home")
    assert books.edition(Kind.RULES, "home") == saved
    assert [rule.id for rule in books.rules(saved.version).rules] == ["x"]
    assert books.edition(Kind.RULES, "cards").version == SHIPPED
    assert books.edition(Kind.PLAYBOOK, "home").version == SHIPPED
    assert books.teams(Kind.RULES) == ["home"]


def test_the_book_without_a_team_is_that_of_every_team_without_one(
    engine: sa.Engine,
) -> None:
    books = TeamBooks(engine)
    of_all = books.save(Kind.RULES, "", {"rule": [SIGN]}, "Mia")
    of_home = books.save(Kind.RULES, "home", {"rule": []}, "Mia")

    assert books.edition(Kind.RULES, "cards") == of_all
    assert books.edition(Kind.RULES, "home") == of_home


def test_every_version_is_still_there_after_a_restart(engine: sa.Engine) -> None:
    books = TeamBooks(engine)
    first = books.save(Kind.PLAYBOOK, "home", {"lines": [LINE]}, "Mia")
    books.save(Kind.PLAYBOOK, "home", playbook_to_json(load_playbook()), "Tom")
    last = books.save(Kind.PLAYBOOK, "home", None, "Tom")

    again = TeamBooks(engine)

    assert last.version == SHIPPED
    assert again.edition(Kind.PLAYBOOK, "home").version == SHIPPED
    line = again.playbook(first.version).choose(Phase.PEAK, [], None, "zh", [])
    assert (line.line_id, line.text) == ("mine", "您请说")


def test_what_cannot_be_read_is_not_kept(engine: sa.Engine) -> None:
    books = TeamBooks(engine)
    half = {**LINE, "text": {"en": "Only English."}}

    with pytest.raises(RulesError, match="sign"):
        books.save(Kind.RULES, "home", {"rule": [{**SIGN, "sign": "hiccups"}]}, "Mia")
    with pytest.raises(PlaybookError, match="zh"):
        books.save(Kind.PLAYBOOK, "home", {"lines": [half]}, "Mia")
    with pytest.raises(PlaybookError, match="twice"):
        books.save(Kind.PLAYBOOK, "home", {"lines": [LINE, LINE]}, "Mia")
    lines = [{**LINE, "codes": ["insult"]}]
    with pytest.raises(PlaybookError, match="any evidence"):
        books.save(Kind.PLAYBOOK, "home", {"lines": lines}, "Mia")

    assert TeamBooks(engine).teams(Kind.RULES) == []


def test_a_stored_book_of_another_release_leaves_the_shipped_one(
    engine: sa.Engine,
) -> None:
    saved = TeamBooks(engine).save(Kind.RULES, "home", {"rule": [SIGN]}, "Mia")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE team_books SET body = '{\"cup\": 1}'"))

    books = TeamBooks(engine)

    assert books.rules(saved.version) == load_rules()
    assert books.edition(Kind.RULES, "home").version == SHIPPED


def test_the_shipped_books_survive_the_way_through_json(engine: sa.Engine) -> None:
    books = TeamBooks(engine)
    rules = books.save(Kind.RULES, "", rules_to_json(load_rules()), "Mia")
    playbook = books.save(Kind.PLAYBOOK, "", playbook_to_json(load_playbook()), "Mia")

    assert books.rules(rules.version) == load_rules()
    assert books.playbook(playbook.version).entries == load_playbook().entries
