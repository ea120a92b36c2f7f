import re

import pytest

from alerts.errors import PlaybookError
from alerts.playbook import Playbook, load_playbook, read_playbook
from emotion.events import CustomerKind, Phase, WordSign

pytestmark = pytest.mark.unit

SHIPPED = load_playbook()


def test_every_language_has_the_same_lines() -> None:
    ids = {
        language: [line.line_id for line in SHIPPED.lines if line.language == language]
        for language in ("en", "zh")
    }

    assert ids["en"] == ids["zh"]
    assert len(ids["en"]) >= 15


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("phase", list(Phase))
def test_there_is_a_line_for_every_phase(language: str, phase: Phase) -> None:
    line = SHIPPED.choose(phase, [], None, language, [])

    assert line.language == language


def test_no_line_blames_or_says_no() -> None:
    bad_en = re.compile(
        r"\b(no|not|can't|cannot|but|you should|they|calm down)\b", re.IGNORECASE
    )
    bad_zh = re.compile(r"不行|不能|不可以|但是|你应该|您应该|他们|冷静|没办法|规定")

    for line in SHIPPED.lines:
        assert not (bad_en if line.language == "en" else bad_zh).search(line.text)


def test_what_the_customer_said_decides() -> None:
    line = SHIPPED.choose(
        Phase.PEAK, [WordSign.THIRD_PARTY_THREAT, "voice_anger"], None, "zh", []
    )

    assert line.line_id == "third-party"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("phase", [Phase.RATIONAL, Phase.PEAK, Phase.SLOW_DOWN])
def test_each_kind_of_customer_hears_another_line(phase: Phase, language: str) -> None:
    lines = [SHIPPED.choose(phase, [], kind, language, []) for kind in CustomerKind]

    assert len({line.line_id for line in lines}) == len(CustomerKind)
    assert SHIPPED.choose(phase, [], None, language, []) not in lines


def test_a_threat_counts_for_more_than_the_kind_of_customer() -> None:
    codes = [WordSign.THIRD_PARTY_THREAT]

    line = SHIPPED.choose(Phase.PEAK, codes, CustomerKind.VENTING, "en", [])

    assert line.line_id == "third-party"


def test_once_it_is_settled_the_kind_matters_no_more() -> None:
    line = SHIPPED.choose(Phase.PROBLEM_SOLVING, [], CustomerKind.VENTING, "en", [])

    assert line == SHIPPED.choose(Phase.PROBLEM_SOLVING, [], None, "en", [])


def test_a_line_that_was_used_makes_room_for_the_next() -> None:
    used: list[str] = []
    for _ in range(4):
        used.append(SHIPPED.choose(Phase.TAKE_OFF, [], None, "en", used).line_id)

    assert len(set(used)) == 4


def test_when_every_line_was_used_the_best_comes_again() -> None:
    everything = [line.line_id for line in SHIPPED.lines]

    first = SHIPPED.choose(Phase.PEAK, [], None, "en", [])

    assert SHIPPED.choose(Phase.PEAK, [], None, "en", everything) == first


def test_a_language_without_a_playbook_gets_english() -> None:
    assert SHIPPED.choose(Phase.PEAK, [], None, "fr", []).language == "en"


GOOD = '[[line]]\nid = "a"\nmethod = "m"\ntext = "We are here."\n'


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("not toml", "playbook.en"),
        ("", "line"),
        ('[[line]]\nid = "a"\n', "text"),
        (GOOD + 'phases = ["boiling"]\n', "boiling"),
        (GOOD + GOOD, "twice"),
        (GOOD + 'codes = ["insult"]\n', "any evidence"),
        (GOOD + 'customers = ["trust"]\n', "any evidence"),
        (GOOD + 'customers = ["regular"]\n', "regular"),
    ],
)
def test_a_wrong_playbook_is_refused_with_its_place(text: str, named: str) -> None:
    with pytest.raises(PlaybookError, match=named):
        read_playbook(text, "en")


def test_a_playbook_of_ones_own_can_be_read() -> None:
    playbook = Playbook(read_playbook(GOOD, "en"))

    assert playbook.choose(Phase.PEAK, [], None, "en", []).text == "We are here."
