"""A live call with one channel: told apart as it comes, started over when need be."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from audio.frame import FRAME_S, FRAME_SAMPLES, CustomerWindow, Frame, Party
from audio.speakers import Turn
from emotion.events import HostilityPoint
from made_mono_call import LEVELS, TURNS, ByLength, started
from models.errors import WeightsError
from models.fake import FakeDetector, FakeTracker, FakeTranscriber
from models.ports import SpeakerTracker, Transcriber, VoiceReading
from server.call import Call, Output
from server.controls import AssignRoles, Control
from server.engine import Models
from server.events import (
    CallEnded,
    CallEndReason,
    CallStarted,
    Degradation,
    Degraded,
    LogEntry,
    Note,
    RolesAssigned,
    StartedOver,
    TranscriptFinal,
    current,
)
from server.factory import CallFactory
from server.mono_call import MonoCall
from server.questions import Question, TranscribeRequest, VoiceRequest
from server.retrace import Retrace
from server.trust.redacted_log import redacted_entries, redacted_live

pytestmark = pytest.mark.unit

LENGTH_S = 34.0

LENGTH_S = 34.0


class ByLevel:
    """Takes a voice for as angry as it is loud."""

    model = "by level"

    def read(self, window: CustomerWindow) -> VoiceReading:
        return VoiceReading(window.end_s, float(window.pcm.max()), -20.0, self.model)


def frames_of(turns: Sequence[Turn]) -> list[Frame]:
    levels = np.zeros(round(LENGTH_S / FRAME_S), np.float32)
    for turn in turns:
        span = slice(round(turn.start_s / FRAME_S), round(turn.end_s / FRAME_S))
        levels[span] += LEVELS[turn.speaker]
    return [
        Frame(
            np.full(FRAME_SAMPLES, level, np.float32),
            number * FRAME_SAMPLES,
            Party.UNKNOWN,
        )
        for number, level in enumerate(levels)
    ]


def new_call(
    turns: Sequence[Turn] = TURNS,
    *,
    first: Party = Party.UNKNOWN,
) -> MonoCall:
    models = Models(
        FakeDetector,
        ByLength(),
        ByLevel(),
        ("fake",),
        new_tracker=lambda: FakeTracker(turns),
    )
    call = CallFactory.of(models).new_call(started(first))
    assert isinstance(call, MonoCall)
    return call


@dataclass
class Driver:
    """Plays a call; answers at once, or late and in any order."""

    call: MonoCall
    late: random.Random | None = None
    words: Transcriber = field(default_factory=ByLength)
    log: list[LogEntry] = field(default_factory=list)
    windows: list[CustomerWindow] = field(default_factory=list)
    open: list[Question] = field(default_factory=list)
    retrace: Retrace | None = None

    def take(self, outputs: Sequence[Output]) -> None:
        if self.retrace is not None:
            outputs = self.retrace.follow(self.call, outputs)
        for output in outputs:
            if isinstance(output, LogEntry):
                self.log.append(output)
            elif isinstance(output, TranscribeRequest | VoiceRequest):
                self.open.append(output)
        while self.open and (self.late is None or self.late.random() < 0.3):
            place = self.late.randrange(len(self.open)) if self.late else 0
            self.answer(self.open.pop(place))

    def answer(self, asked: Question) -> None:
        if isinstance(asked, TranscribeRequest):
            words = self.words.transcribe(asked.segment.pcm, asked.language)
            self.take(self.call.receive_transcript(asked.request_id, words))
        else:
            self.windows.append(asked.window)
            reading = ByLevel().read(asked.window)
            self.take(self.call.receive_voice(asked.request_id, reading))

    def play(
        self,
        turns: Sequence[Turn] = TURNS,
        controls: Sequence[tuple[float, Control]] = (),
        piece: int = 40,
    ) -> list[LogEntry]:
        self.take(self.call.start())
        frames, at = frames_of(turns), 0
        waiting = list(controls)
        while at < len(frames):
            until = at + piece
            if waiting:
                until = min(until, max(at, round(waiting[0][0] / FRAME_S)))
            self.take(self.call.receive_frames([(one,) for one in frames[at:until]]))
            at = until
            if waiting and at >= round(waiting[0][0] / FRAME_S):
                self.take(self.call.receive_control(waiting.pop(0)[1]))
        self.take(self.call.end(CallEndReason.COMPLETED))
        self.late = None
        self.take([])
        assert self.call.ended
        return self.log


def logged(
    turns: Sequence[Turn] = TURNS, controls: Sequence[tuple[float, Control]] = ()
) -> list[LogEntry]:
    return Driver(new_call(turns)).play(turns, controls)


def customers(log: Sequence[LogEntry]) -> list[list[str]]:
    return [
        [who.speaker for who in entry.event.speakers if who.party is Party.CUSTOMER]
        for entry in log
        if isinstance(entry.event, RolesAssigned)
        and entry.event.speakers[0].party is not Party.UNKNOWN
    ]


def words_of(log: Sequence[LogEntry]) -> list[tuple[Party, int]]:
    return [
        (entry.event.party, round(entry.event.start_s))
        for entry in log
        if isinstance(entry.event, TranscriptFinal)
    ]


def scores(log: Sequence[LogEntry]) -> list[float]:
    return [e.event.score for e in log if isinstance(e.event, HostilityPoint)]


def n_over(log: Sequence[LogEntry]) -> int:
    return sum(isinstance(entry.event, StartedOver) for entry in log)


def test_when_the_words_tell_the_call_is_listened_to_again_with_its_parties() -> None:
    log = logged()

    assert n_over(log) == 1
    assert customers(log) == [["v2"]]
    assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
    before = log[: len(log) - len(current(log))]
    assert not scores(before)
    assert Degraded(Degradation.ROLES_UNKNOWN) in [entry.event for entry in before]
    holds = current(log)
    assert holds[0].event == CallStarted(
        **{
            name: getattr(started(), name)
            for name in CallStarted.__slots__
            if name != "parties"
        },
        parties=(Party.CUSTOMER, Party.AGENT),
    )
    assert words_of(holds) == [
        (Party.AGENT, 1),
        (Party.CUSTOMER, 5),
        (Party.AGENT, 12),
        (Party.CUSTOMER, 16),
        (Party.AGENT, 22),
    ]
    assert max(scores(holds)) > 30
    assert isinstance(holds[-1].event, CallEnded)


def test_nobody_is_scored_before_the_parties_are_known() -> None:
    driver = Driver(new_call())

    log = driver.play()

    for window in driver.windows:
        loud = np.unique(np.round(window.pcm[window.pcm > 0], 2))
        assert loud.tolist() == pytest.approx([0.4])
    first = log[
        : next(i for i, e in enumerate(log) if isinstance(e.event, StartedOver))
    ]
    assert not any(isinstance(entry.event, VoiceReading) for entry in first)


def test_until_then_the_log_says_who_was_heard_and_how_sure_it_is() -> None:
    (first, *_) = [
        entry for entry in logged() if isinstance(entry.event, RolesAssigned)
    ]

    assert isinstance(first.event, RolesAssigned)
    assert first.event.speakers[0].speaker == "v1"
    assert {who.party for who in first.event.speakers} == {Party.UNKNOWN}
    assert first.event.confidence == 0.5
    assert first.at_s < 6


@pytest.mark.parametrize("seed", range(6))
def test_the_log_is_the_same_however_the_audio_and_the_answers_come(seed: int) -> None:
    controls: list[tuple[float, Control]] = [
        (8.0, Note("slowly", "mia")),
        (18.0, AssignRoles("v1", "mia")),
    ]
    random_ = random.Random(seed)  # noqa: S311  # decides no secret

    log = Driver(new_call(), random_).play(
        controls=controls, piece=random_.choice((1, 7, 31, 400))
    )

    assert log == logged(controls=controls)


def test_somebody_turns_them_round_and_everything_is_worked_out_anew() -> None:
    log = logged(controls=[(18.0, AssignRoles("v1", "mia"))])

    assert customers(log) == [["v2"], ["v1"]]
    overs = [e.event.by for e in log if isinstance(e.event, StartedOver)]
    assert overs == ["", "mia"]
    assert words_of(current(log)) == [
        (Party.CUSTOMER, 1),
        (Party.AGENT, 5),
        (Party.CUSTOMER, 12),
        (Party.AGENT, 16),
        (Party.CUSTOMER, 22),
    ]
    assert max(scores(current(log))) < max(scores(log))


@pytest.mark.parametrize(
    ("first", "customer"), [(Party.CUSTOMER, "v1"), (Party.AGENT, "v2")]
)
def test_who_speaks_first_may_be_told_beforehand(first: Party, customer: str) -> None:
    mumbling = FakeTranscriber(["hm"] * 99)

    log = Driver(new_call(first=first), words=mumbling).play()

    assert customers(log) == [[customer]]
    assert scores(current(log))


def test_what_stands_in_the_log_is_never_rewritten() -> None:
    plain, turned = logged(), logged(controls=[(18.0, AssignRoles("v1", "mia"))])

    over = [i for i, e in enumerate(turned) if isinstance(e.event, StartedOver)][1]
    assert turned[:over] == plain[:over]


def test_what_somebody_said_stays_whatever_the_words_say() -> None:
    log = logged(controls=[(3.0, AssignRoles("v1", "mia"))])

    assert customers(log) == [["v1"]]
    assert Party.AGENT in {party for party, _ in words_of(current(log))}


def test_an_assignment_of_somebody_nobody_heard_changes_nothing() -> None:
    assert logged(controls=[(18.0, AssignRoles("v9", "mia"))]) == logged()


def test_a_note_stays_where_it_was_when_the_call_is_listened_to_again() -> None:
    log = logged(controls=[(3.0, Note("slowly", "mia"))])

    assert Note("slowly", "mia") in [entry.event for entry in current(log)]


def test_somebody_who_comes_later_has_been_put_through() -> None:
    turns = (*TURNS, Turn(27.0, 29.0, "v3"))

    log = logged(turns)

    assert n_over(log) == 1
    assert words_of(current(log))[-1] == (Party.AGENT, 27)


@pytest.mark.parametrize("share", [0.2, 0.45, 0.5, 0.55, 0.8, 0.97])
def test_a_call_that_was_cut_short_goes_on_as_if_nothing_had_been(
    share: float,
) -> None:
    controls = [(18.0, AssignRoles("v1", "mia"))]
    whole = logged(controls=controls)
    stored = whole[: round(share * len(whole))]

    driver = Driver(new_call(), retrace=Retrace(stored))
    rest = driver.play(controls=controls)

    assert stored + rest == whole


def test_no_two_utterances_of_a_log_have_one_name() -> None:
    log = logged(controls=[(18.0, AssignRoles("v1", "mia"))])

    names = [e.event.utterance_id for e in log if isinstance(e.event, TranscriptFinal)]
    assert len(set(names)) == len(names)


def test_numbers_are_covered_in_every_run() -> None:
    log = logged()
    card = "my card is four one one one one one one one one one one one one one one one"
    said = [
        LogEntry(
            e.seq,
            e.at_s,
            TranscriptFinal(
                e.event.utterance_id,
                e.event.party,
                e.event.start_s,
                e.event.end_s,
                card,
                "en",
                0.9,
            ),
        )
        if isinstance(e.event, TranscriptFinal)
        else e
        for e in log
    ]

    for shown in (redacted_entries(said), redacted_live(said, said)):
        texts = [e.event.text for e in shown if isinstance(e.event, TranscriptFinal)]
        assert texts
        assert all("four one" not in text for text in texts)


def test_time_is_worked_out_up_to_what_came_though_the_tracker_waits() -> None:
    call = new_call()
    call.start()

    call.receive_frames([(frame,) for frame in frames_of(TURNS)[:10]])

    assert call.now_s == call.received_s == pytest.approx(10 * FRAME_S)
    assert not call.starting_over


def no_weights() -> SpeakerTracker:
    raise WeightsError("missing")


@pytest.mark.parametrize("new_tracker", [None, no_weights])
def test_without_a_tracker_a_line_with_one_channel_is_only_written_down(
    new_tracker: None,
) -> None:
    models = Models(
        FakeDetector, ByLength(), ByLevel(), ("fake",), new_tracker=new_tracker
    )

    assert isinstance(CallFactory.of(models).new_call(started()), Call)
