import json
from typing import Any

import pytest

from alerts.errors import RulesError
from alerts.ruleset import load_rules, read_rules, rules_to_json

pytestmark = pytest.mark.unit

SIGN = {"id": "x", "kind": "sign", "sign": "churn", "severity": "notice"}


def test_a_rule_set_survives_being_stored_as_json() -> None:
    stored = json.loads(json.dumps(rules_to_json(load_rules())))

    assert read_rules(stored) == load_rules()


def test_every_kind_of_rule_is_shipped() -> None:
    kinds = {rule.kind for rule in load_rules().rules}

    assert kinds == {
        *("score", "slope", "phase", "sign", "tier"),
        *("silence", "overlap", "said", "not_said"),
    }


def score(*scores: float) -> dict[str, Any]:
    levels = [{"score": s, "hold_s": 1, "severity": "warning"} for s in scores]
    return {"id": "x", "kind": "score", "levels": levels}


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({"rule": [{**SIGN, "kind": "horoscope"}]}, "kind"),
        ({"rule": [{**SIGN, "sign": "hiccups"}]}, "sign"),
        ({"rule": [{**SIGN, "colour": "red"}]}, "colour"),
        ({"rule": [SIGN, SIGN]}, "id of its own"),
        ({"rule": [{**SIGN, "id": "help"}]}, "id of its own"),
        ({"rule": [SIGN], "cap": -1}, "cap"),
        ({"rule": [SIGN], "cup": 3}, "cup"),
        ({"rule": [score(75, 50)]}, "levels must rise"),
        ({"rule": [score(20)]}, "levels must rise"),
        ({"rule": [score(50, 999)]}, "score"),
        ({"rule": "none"}, "rules"),
    ],
)
def test_wrong_rules_are_refused_with_their_place(
    data: dict[str, Any], named: str
) -> None:
    with pytest.raises(RulesError, match=named):
        read_rules(data)
