"""Cards, automatic answers, reviews, samples and agreement."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.events import CueFollowed, CueIgnored
from audio.events import Interrupted
from audio.frame import Party
from emotion.events import HostilityPoint, Phase
from evaluation.desk import fill
from evaluation.desk_calls import made_calls
from server.desk.agreement import Scale, krippendorff_alpha
from server.desk.cards import Cards
from server.desk.errors import QueryError, StateError, UnknownError
from server.desk.index import SearchIndex
from server.desk.measures import MEASURES, measure
from server.desk.query import Range, SearchQuery
from server.desk.reviews import Assignment, Given, Purpose, Reviews, visible
from server.desk.sampling import draw, risks
from server.desk.scorecards import (
    Answer,
    Question,
    Scorecard,
    Text,
    read_scorecard,
    scorecards,
)
from server.desk.search import Search
from server.events import CallEnded, CallEndReason, Event, LogEntry, TranscriptFinal
from server.store import Store

pytestmark = pytest.mark.unit

YES, NO, PARTLY, NA = Answer.YES, Answer.NO, Answer.PARTLY, Answer.NOT_APPLICABLE


def said(
    text: str, start_s: float, party: Party = Party.AGENT, language: str = "en"
) -> TranscriptFinal:
    name = f"u{start_s}"
    return TranscriptFinal(name, party, start_s, start_s + 2, text, language, 0.9)


def curve(*spans: tuple[float, float, Phase, float]) -> list[Event]:
    return [
        HostilityPoint(float(second), score, score, score, phase, ())
        for start, end, phase, score in spans
        for second in range(int(start), int(end))
    ]


COMPLAINT = curve(
    (0, 10, Phase.RATIONAL, 5),
    (10, 20, Phase.TAKE_OFF, 45),
    (20, 30, Phase.PEAK, 80),
    (30, 40, Phase.SLOW_DOWN, 50),
    (40, 60, Phase.COOL_DOWN, 10),
)


def measured(*events: Event) -> dict[str, Answer | None]:
    ended = CallEnded(CallEndReason.COMPLETED, 60.0)
    log = [LogEntry(n, 0.0, event) for n, event in enumerate((*events, ended), 1)]
    return {name: found.answer for name, found in measure(log).items()}


@pytest.mark.parametrize(
    ("name", "language", "good", "bad"),
    [
        ("apologised", "en", "I'm really sorry about that.", "That's how it is."),
        ("apologised", "zh", "非常抱歉给您添麻烦了", "规定就是这样"),
        (
            "empathised",
            "en",
            "I completely understand, that must be frustrating.",
            "OK.",
        ),
        ("empathised", "zh", "我很理解您的心情", "嗯"),
        ("acknowledged", "en", "You have every right to be angry.", "Hm."),
        ("acknowledged", "zh", "您说得对", "哦"),
        ("repeated_problem", "en", "So you have been charged twice?", "Wait."),
        ("repeated_problem", "zh", "您的意思是被扣了两次对吗", "请稍等"),
        ("asked_opinion", "en", "Does that work for you?", "Done."),
        ("asked_opinion", "zh", "您看这样可以吗", "好了"),
        ("followed_up", "en", "I'll call you back by Friday.", "Bye."),
        ("followed_up", "zh", "我会在两个工作日内给您回电", "就这样"),
    ],
)
def test_what_the_agent_says_is_heard_in_both_languages(
    name: str, language: str, good: str, bad: str
) -> None:
    assert measured(*COMPLAINT, said(good, 35.0, language=language))[name] is YES
    assert measured(*COMPLAINT, said(bad, 35.0, language=language))[name] is None


@pytest.mark.parametrize(
    ("language", "blame", "plain"),
    [
        ("en", "You should have read the contract.", "Let me look at it."),
        ("zh", "这不归我们管", "我来帮您看看"),
    ],
)
def test_words_of_blame_are_found(language: str, blame: str, plain: str) -> None:
    assert measured(said(blame, 5.0, language=language))["no_blame"] is NO
    assert measured(said(plain, 5.0, language=language))["no_blame"] is YES


def test_a_customers_words_are_never_the_agents() -> None:
    log = (said("ok", 1.0), said("you should have known", 5.0, Party.CUSTOMER))

    assert measured(*log)["no_blame"] is YES


def test_a_solution_counts_only_after_the_curve_fell() -> None:
    offer = "What I can do is refund the amount."

    assert measured(*COMPLAINT, said(offer, 25.0))["solution_after_fall"] is NO
    assert measured(*COMPLAINT, said(offer, 45.0))["solution_after_fall"] is YES
    assert measured(*COMPLAINT, said("Hm.", 45.0))["solution_after_fall"] is None


def falling(from_s: float, by: float) -> list[Event]:
    """A curve that stands at 80 and falls from some second on, once a second."""
    points: list[Event] = []
    score = 80.0
    for second in range(60):
        score = max(20.0, score - by) if second >= from_s else score
        phase = Phase.PEAK if score > 60 else Phase.SLOW_DOWN
        points.append(HostilityPoint(float(second), score, score, score, phase, ()))
    return points


def customer(start_s: float) -> TranscriptFinal:
    return said("well", start_s, Party.CUSTOMER)


OFFER = "We will refund the amount."


@pytest.mark.parametrize(
    ("curve_of_call", "expected"),
    [
        pytest.param(falling(12, 1.5), YES, id="the words before it calmed the curve"),
        pytest.param(falling(12, 0.2), NO, id="silence alone took a little off"),
        pytest.param(falling(22, 1.5), NO, id="it fell only in answer to the offer"),
        pytest.param(
            [*falling(12, 1.5)[:25], *curve((25, 60, Phase.PEAK, 85))],
            None,
            id="the customer rose again",
        ),
        pytest.param(
            curve((0, 13, Phase.RATIONAL, 10), (13, 60, Phase.TAKE_OFF, 50)),
            NO,
            id="the words before it are still to raise the curve",
        ),
    ],
)
def test_an_offer_is_judged_by_what_the_words_before_it_do_to_the_curve(
    curve_of_call: list[Event], expected: Answer | None
) -> None:
    talk = (customer(10.0), said(OFFER, 13.0), customer(22.0))

    assert measured(*curve_of_call, *talk)["solution_after_fall"] is expected


def test_every_answer_rests_on_a_stretch_of_the_call() -> None:
    calm = curve((0, 60, Phase.RATIONAL, 5))
    for events in (COMPLAINT, calm):
        talk = (customer(10.0), said("Hello", 1.0), said(OFFER, 45.0))
        ended = CallEnded(CallEndReason.COMPLETED, 60.0)
        log = [LogEntry(n, 0.0, e) for n, e in enumerate((*events, *talk, ended), 1)]
        for name, found in measure(log).items():
            if found.answer is not None:
                assert found.spans, name
                assert all(0 <= s.start_s < s.end_s for s in found.spans), name


def test_an_apology_is_not_asked_of_a_calm_call() -> None:
    assert measured(said("Hello", 1.0))["apologised"] is NA
    assert measured(said("Hello", 1.0))["curve_fell"] is None
    assert measured(*COMPLAINT, said("Sorry", 1.0))["apologised"] is None


def test_greeting_and_farewell_stand_where_they_belong() -> None:
    found = measured(said("Good morning", 1.0), said("Thank you for calling", 57.0))
    late = measured(said("Hm", 1.0), said("Good morning", 40.0))

    assert (found["greeted"], found["closed_properly"]) == (YES, YES)
    assert (late["greeted"], late["closed_properly"]) == (None, None)


def test_pauses_and_interruptions_come_from_the_log() -> None:
    held, missed = CueFollowed("c1", 20.0, 5.2), CueIgnored("c2", 30.0, 0.4)
    hello = said("Hello", 1.0)

    assert measured(hello)["paused"] is NA
    assert measured(hello, held)["paused"] is YES
    assert measured(hello, held, missed)["paused"] is PARTLY
    assert measured(hello, missed)["paused"] is NO
    assert measured(hello, Interrupted(Party.CUSTOMER, 9.0))["let_finish"] is YES
    assert measured(hello, Interrupted(Party.AGENT, 9.0))["let_finish"] is NO


def test_the_curve_fell_when_it_ends_under_half_of_its_peak() -> None:
    assert measured(*COMPLAINT, said("ok", 1.0))["curve_fell"] is YES
    assert measured(*COMPLAINT[:35], said("ok", 1.0))["curve_fell"] is NO


def test_nothing_is_measured_where_nobody_is_known_to_be_the_agent() -> None:
    found = measured(said("you should have known", 1.0, Party.UNKNOWN))

    assert set(found.values()) == {None}


def test_every_answer_says_where_it_rests() -> None:
    log = [LogEntry(1, 0.0, said("You should have read it", 5.0))]

    (span,) = measure(log)["no_blame"].spans
    assert (span.start_s, span.end_s) == (5.0, 7.0)


def test_the_shipped_cards_are_whole_in_both_languages() -> None:
    ids = {card.id: card for card in scorecards()}

    assert len(ids["fourteen-step"].question) == 14
    assert len(ids["six-step"].question) >= 6
    for card in ids.values():
        for question in card.question:
            assert question.auto == "" or question.auto in MEASURES
            assert any("\u4e00" <= letter <= "\u9fff" for letter in question.text.zh)
    used = {q.auto for card in ids.values() for q in card.question if q.auto}
    assert used == set(MEASURES)


def test_a_score_weighs_what_applies_and_a_critical_failure_is_zero() -> None:
    text = """
        id = "x"
        version = 1
        title = { en = "X", zh = "某" }
        [[question]]
        id = "a"
        weight = 3
        text = { en = "A", zh = "甲" }
        help = { en = "A", zh = "甲" }
        [[question]]
        id = "b"
        weight = 1
        critical = true
        text = { en = "B", zh = "乙" }
        help = { en = "B", zh = "乙" }
    """
    card = read_scorecard(text)

    assert card.score({"a": YES, "b": PARTLY}) == 87.5
    assert card.score({"a": PARTLY, "b": NA}) == 50.0
    assert card.score({"a": NA, "b": NA}) is None
    assert (card.score({"a": YES, "b": NO}), card.failed({"b": NO})) == (0.0, ["b"])
    with pytest.raises(QueryError, match="no answer to b"):
        card.check({"a": YES})
    with pytest.raises(QueryError, match="no question c"):
        card.check({"a": YES, "b": YES, "c": YES})
    with pytest.raises(QueryError, match="weight"):
        read_scorecard(text.replace("weight = 3", "weight = -1"))


# Published examples, for alpha itself: Krippendorff, Computing Krippendorff's
# Alpha-Reliability, 2011. None is a value that an observer did not give.
EXAMPLE_A = ([0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0])
EXAMPLE_B = (
    ["a", "a", "b", "b", "d", "c", "c", "c", "e", "d", "d", "a"],
    ["b", "a", "b", "b", "b", "c", "c", "c", "e", "d", "d", "d"],
)
EXAMPLE_C = (
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
)


def units(
    *observers: list[int] | list[int | None] | list[str],
) -> dict[int, list[float]]:
    columns = zip(*observers, strict=True)
    return {
        number: [
            float(ord(value) if isinstance(value, str) else value)
            for value in column
            if value is not None
        ]
        for number, column in enumerate(columns)
    }


@pytest.mark.parametrize(
    ("observers", "scale", "alpha"),
    [
        (EXAMPLE_A, Scale.NOMINAL, 0.095),
        (EXAMPLE_B, Scale.NOMINAL, 0.692),
        (EXAMPLE_C, Scale.NOMINAL, 0.743),
        (EXAMPLE_C, Scale.ORDINAL, 0.815),
        (EXAMPLE_C, Scale.INTERVAL, 0.849),
    ],
)
def test_alpha_is_that_of_the_published_examples(
    observers: tuple[list[int], ...], scale: Scale, alpha: float
) -> None:
    assert krippendorff_alpha(units(*observers), scale) == pytest.approx(
        alpha, abs=6e-4
    )


def test_alpha_is_not_made_up_where_there_is_nothing_to_compare() -> None:
    assert krippendorff_alpha({}, Scale.NOMINAL) is None
    assert krippendorff_alpha({1: [1.0], 2: [0.0]}, Scale.NOMINAL) is None
    assert krippendorff_alpha({1: [1.0, 1.0]}, Scale.ORDINAL) is None
    assert krippendorff_alpha({1: [1, 1], 2: [0, 0]}, Scale.ORDINAL) == 1.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'desk.db'}")
    fill(store, made_calls(12, seed=3))
    yield store
    store.close()


def given(card_id: str, answer: Answer = YES) -> dict[str, Given]:
    (card,) = (card for card in scorecards() if card.id == card_id)
    return {question.id: Given(answer) for question in card.question}


def review(store: Store, call_id: str, reviewer: str, purpose: Purpose) -> int:
    return Reviews(store.engine).open(call_id, "service", reviewer, purpose)


def test_a_review_stands_beside_the_automatic_answers(store: Store) -> None:
    reviews, search = Reviews(store.engine), Search(store.engine)
    automatic = measure(store.entries("made-00001"))

    review_id = review(store, "made-00001", "Ann", Purpose.REVIEW)
    done = reviews.submit(review_id, given("service"), automatic, "fine")

    assert done.score == 100.0
    assert done.automatic["finish"]["answer"] == automatic["let_finish"].answer
    (found,) = search.find(SearchQuery(score=Range(99, 100))).calls
    assert (found.call_id, found.review_score) == ("made-00001", 100.0)
    with pytest.raises(StateError, match="second opinion"):
        reviews.submit(review_id, given("service"), automatic, "")


def test_a_card_of_ones_own_is_offered_judged_by_and_changed(store: Store) -> None:
    cards, reviews = Cards(store.engine), Reviews(store.engine)
    question = Question(
        "name", 2.0, Text("Said their name", "报了姓名"), auto="greeted"
    )
    first = cards.save(Scorecard("own", 0, Text("Ours", "自定"), (question,)), "Ann")

    review_id = reviews.open("made-00001", "own", "Ann", Purpose.REVIEW)
    done = reviews.submit(review_id, {"name": Given(YES)}, {}, "")
    second = cards.save(
        replace(first, question=(replace(question, id="other"),)), "Ann"
    )

    assert (first.version, second.version) == (1, 2)
    assert (done.score, done.card_version) == (100.0, 1)
    assert [card.id for card in cards.offered()][-1] == "own"
    assert cards.one("own").question[0].id == "other"
    cards.withdraw("own", "Ann")
    assert "own" not in {card.id for card in cards.offered()}
    assert reviews.one(review_id).score == 100.0
    with pytest.raises(UnknownError):
        cards.one("none")


def test_a_shipped_card_can_be_changed_and_withdrawn_but_not_the_last_one(
    store: Store,
) -> None:
    cards = Cards(store.engine)
    (six, *_) = cards.offered()

    changed = cards.save(replace(six, question=six.question[:1]), "Ann")

    assert (changed.version, len(cards.one(six.id).question)) == (2, 1)
    for card in cards.offered()[1:]:
        cards.withdraw(card.id, "Ann")
    with pytest.raises(QueryError, match="one scorecard"):
        cards.withdraw(six.id, "Ann")


def test_a_card_that_nobody_could_use_is_refused(store: Store) -> None:
    text = Text("A", "甲")
    twice = (Question("a", 1.0, text), Question("a", 1.0, text))
    unknown = (Question("a", 1.0, text, auto="mind_read"),)

    for questions, complaint in ((twice, "id of its own"), (unknown, "mind_read")):
        with pytest.raises(QueryError, match=complaint):
            Cards(store.engine).save(Scorecard("x", 0, text, questions), "Ann")


def test_a_second_opinion_decides_and_calibration_does_not(store: Store) -> None:
    reviews = Reviews(store.engine)

    def judge(reviewer: str, purpose: Purpose, answer: Answer) -> float | None:
        review_id = review(store, "made-00001", reviewer, purpose)
        reviews.submit(review_id, given("service", answer), {}, "")
        found = Search(store.engine).find(SearchQuery(score=Range(0, 100))).calls
        return found[0].review_score if found else None

    assert judge("Cal", Purpose.CALIBRATION, NO) is None
    assert judge("Ann", Purpose.REVIEW, PARTLY) == 50.0
    assert judge("Bob", Purpose.SECOND, YES) == 100.0
    assert judge("Cid", Purpose.REVIEW, NO) == 100.0
    SearchIndex(store).add("made-00001")
    assert Search(store.engine).find(SearchQuery(score=Range(100, 100))).total == 1


def test_a_dispute_is_made_once_and_answered_once(store: Store) -> None:
    reviews = Reviews(store.engine)
    review_id = review(store, "made-00001", "Ann", Purpose.REVIEW)

    with pytest.raises(StateError):
        reviews.dispute(review_id, "a07", "too early")
    reviews.submit(review_id, given("service"), {}, "")
    reviews.dispute(review_id, "a07", "the line was bad")
    with pytest.raises(StateError):
        reviews.dispute(review_id, "a07", "again")
    assert [one.review_id for one in reviews.disputed()] == [review_id]
    reviews.answer_dispute(review_id, "Eve", "agreed")

    assert reviews.disputed() == []
    dispute = reviews.one(review_id).dispute
    assert dispute is not None
    assert dispute["answer"]["by"] == "Eve"
    with pytest.raises(StateError):
        reviews.answer_dispute(review_id, "Eve", "again")


def test_calls_are_dealt_out_or_given_to_everybody(store: Store) -> None:
    reviews = Reviews(store.engine)
    calls = ["made-00000", "made-00001", "made-00002"]

    def assign(purpose: Purpose, *, together: bool) -> int:
        wanted = Assignment("service", purpose, ("Ann", "Bob"), "May", together)
        return reviews.assign(calls, wanted)

    assert assign(Purpose.REVIEW, together=False) == 3
    assert assign(Purpose.REVIEW, together=False) == 0
    assert assign(Purpose.CALIBRATION, together=True) == 6
    assert len(reviews.of_reviewer("Ann")[0]) == 2 + 3


def test_whoever_still_has_to_calibrate_does_not_see_the_others(store: Store) -> None:
    reviews = Reviews(store.engine)
    everybody = Assignment("service", Purpose.CALIBRATION, ("Ann", "Bob"), "", True)
    reviews.assign(["made-00000"], everybody)
    ann, bob = (one.review_id for one in reviews.of_call("made-00000"))
    reviews.submit(ann, given("service"), {}, "")

    before = visible(reviews.of_call("made-00000"), "Bob")
    reviews.submit(bob, given("service"), {}, "")
    after = visible(reviews.of_call("made-00000"), "Bob")

    assert [one.reviewer for one in before] == ["Bob"]
    assert [one.reviewer for one in after] == ["Ann", "Bob"]


def test_a_risky_call_is_drawn_more_often(store: Store) -> None:
    ids = Search(store.engine).ids(SearchQuery())
    weights = {
        call_id: risk.weight for call_id, risk in risks(store.engine, ids).items()
    }
    highest, lowest = (
        max(weights, key=weights.__getitem__),
        min(weights, key=weights.__getitem__),
    )

    drawn = [draw(weights, 3, seed) for seed in range(400)]

    assert all(len(set(calls)) == 3 for calls in drawn)
    n_high = sum(highest in calls for calls in drawn)
    n_low = sum(lowest in calls for calls in drawn)
    assert n_high > 1.5 * n_low > 0
    assert draw(weights, 3, 7) == draw(weights, 3, 7)
    assert len(draw(weights, 99, 1)) == len(weights)
