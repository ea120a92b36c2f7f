import pytest

from emotion.errors import ParameterError
from emotion.events import WordHit, WordReading, WordSign
from emotion.trail import SIGN_WEIGHTS, WordParams, WordTrail

pytestmark = pytest.mark.unit


def said(hostility: float, *signs: WordSign, end_s: float = 2.0) -> WordReading:
    hits = tuple(WordHit(sign, n, n + 1) for n, sign in enumerate(signs))
    return WordReading(end_s - 1.0, end_s, hostility, None, hits, "en", "fake")


def total(trail: WordTrail) -> float:
    return sum(evidence.weight for evidence in trail.evidence())


def test_every_sign_has_a_weight() -> None:
    assert set(SIGN_WEIGHTS) == set(WordSign)


def test_the_points_of_a_reading_are_shared_out_over_its_signs() -> None:
    trail = WordTrail(WordParams())

    trail.feed(said(0.8, WordSign.INSULT, WordSign.BLAME, WordSign.BLAME))

    points = {evidence.code: evidence.weight for evidence in trail.evidence()}
    assert points["insult"] == pytest.approx(points["blame"])
    counts = {evidence.code: evidence.value for evidence in trail.evidence()}
    assert counts == {"insult": 1, "blame": 2}


def test_hostility_that_cannot_say_where_still_counts() -> None:
    trail = WordTrail(WordParams())

    trail.feed(said(0.6))

    assert [evidence.code for evidence in trail.evidence()] == ["dissatisfied"]


def test_faint_hostility_counts_only_where_it_can_say_why() -> None:
    params = WordParams(dead_zone=0.3)
    faint, clear, quoted = (WordTrail(params) for _ in range(3))

    faint.feed(said(0.3))
    clear.feed(said(0.4))
    quoted.feed(said(0.3, WordSign.REPEATED_CONTACT))

    assert faint.hostility == 0.0
    assert clear.hostility == pytest.approx(0.4)
    assert quoted.hostility == pytest.approx(0.3)


def test_unfinished_words_count_until_the_next_reading() -> None:
    trail = WordTrail(WordParams())
    trail.feed(said(0.4, WordSign.BLAME))
    before = trail.hostility

    trail.feed_so_far(said(0.6, WordSign.ANGER))
    trail.feed_so_far(said(0.5, WordSign.INSULT))

    assert trail.hostility == pytest.approx(1 - 0.6 * 0.5)
    assert {one.code for one in trail.evidence()} == {"blame", "insult"}
    trail.fade(100.0, speaking=True)
    assert trail.hostility < 0.02
    trail.feed_so_far(said(0.5, WordSign.INSULT))
    trail.feed_so_far(said(-0.5))
    assert trail.hostility < 0.02

    trail = WordTrail(WordParams())
    trail.feed(said(0.4, WordSign.BLAME))
    trail.feed_so_far(said(0.6, WordSign.ANGER))
    trail.feed(said(0.0))
    assert trail.hostility == before
    assert trail.heard_within(1.0, 2.5)


def test_words_add_up_without_end_but_with_a_top() -> None:
    trail = WordTrail(WordParams())
    before = 0.0

    for _ in range(8):
        trail.feed(said(0.5, WordSign.ANGER))
        assert total(trail) > before
        before = total(trail)

    assert before < WordParams().points


def test_neutral_words_change_nothing_but_are_known() -> None:
    trail = WordTrail(WordParams())

    trail.feed(said(0.0))

    assert trail.evidence() == []
    assert trail.heard_within(15.0, 10.0)
    assert not trail.heard_within(15.0, 20.0)
    assert not WordTrail(WordParams()).heard_within(15.0, 0.0)


@pytest.mark.parametrize(
    ("speaking", "half_life_s"),
    [
        (True, WordParams().half_life_speaking_s),
        (False, WordParams().half_life_silent_s),
    ],
)
def test_words_fade_slower_while_the_customer_waits(
    half_life_s: float,
    speaking: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    trail = WordTrail(WordParams())
    trail.feed(said(0.6, WordSign.ANGER))
    before = trail.hostility

    trail.fade(half_life_s, speaking=speaking)

    assert trail.hostility == pytest.approx(before / 2)


def test_what_has_faded_is_forgotten() -> None:
    trail = WordTrail(WordParams())
    trail.feed(said(0.6, WordSign.ANGER))
    trail.feed(said(-0.4, WordSign.THANKS))

    trail.fade(600.0, speaking=True)

    assert trail.evidence() == []
    assert trail.kindness == trail.hostility == 0.0


def test_kind_words_undo_hostile_ones_and_calm_beyond_that() -> None:
    trail = WordTrail(WordParams())
    trail.feed(said(0.6, WordSign.ANGER))
    before = trail.hostility

    trail.feed(said(-0.5, WordSign.THANKS, WordSign.THANKS))

    assert trail.hostility == pytest.approx(before / 2)
    (calming,) = [item for item in trail.evidence() if item.weight < 0]
    assert (calming.code, calming.value) == ("thanks", 2)
    assert trail.kindness == 0.5


def test_kindness_that_cannot_say_where_is_relief() -> None:
    trail = WordTrail(WordParams())

    trail.feed(said(-0.5))

    assert [evidence.code for evidence in trail.evidence()] == ["relief"]


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ParameterError, match="points must be above 0"):
        WordParams(points=0.0)
    with pytest.raises(ParameterError, match="forgiving is at most 1"):
        WordParams(forgiving=1.5)


def test_a_verdict_on_a_scrap_of_a_sentence_is_doubted() -> None:
    params = WordParams(dead_zone=0.3, whole_units=4)
    verdict = said(0.8, WordSign.ANGER)

    assert params.doubted(verdict, n_units=4) == verdict
    assert params.doubted(verdict, n_units=3).hostility == pytest.approx(0.6)
    nothing = params.doubted(verdict, n_units=1)
    assert (nothing.hostility, nothing.hits) == (0.0, ())


@pytest.mark.parametrize(
    "reading",
    [said(0.8, WordSign.INSULT), said(-0.5, WordSign.THANKS), said(0.0)],
    ids=["named", "kind", "neutral"],
)
def test_what_was_named_or_kind_counts_however_short(reading: WordReading) -> None:
    assert WordParams().doubted(reading, n_units=1) == reading
