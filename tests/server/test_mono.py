"""A recorded call with one channel: told apart, given roles, run as any other."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio.frame import FRAME_S, RATE, CustomerWindow, Party
from audio.speakers import Turn
from emotion.events import HostilityPoint
from made_mono_call import LEVELS, TURNS, ByLength, started
from models.errors import InferenceError
from models.fake import FakeDetector, FakeDiariser, FakeTranscriber
from models.ports import Diarisation, VoiceReading
from server.engine import Models
from server.errors import RecordingError
from server.events import (
    CallStarted,
    Degradation,
    Degraded,
    LogEntry,
    RolesAssigned,
    TranscriptFinal,
)
from server.factory import CallFactory
from server.mono import analyse_mono, analyse_recording, assign, hear
from server.recording import Recording, open_recording

pytestmark = pytest.mark.unit

LENGTH_S = 30.0


class Listening:
    """A voice reader that remembers what it heard."""

    model = "listening"

    def __init__(self) -> None:
        self.windows: list[CustomerWindow] = []

    def read(self, window: CustomerWindow) -> VoiceReading:
        self.windows.append(window)
        return VoiceReading(window.end_s, 0.9, -20.0, self.model)


class Broken:
    """A diariser that cannot."""

    name = "broken"

    def diarise(self, pcm: np.ndarray) -> Diarisation:
        raise InferenceError(f"no {len(pcm)}")


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    pcm = np.zeros(round(LENGTH_S * RATE), np.float32)
    for turn in TURNS:
        span = slice(round(turn.start_s * RATE), round(turn.end_s * RATE))
        pcm[span] += LEVELS[turn.speaker]
    path = tmp_path / "call.wav"
    soundfile.write(path, pcm, RATE)
    return open_recording(path)


def new_factory(reader: Listening, transcriber: ByLength) -> CallFactory:
    models = Models(
        FakeDetector, transcriber, reader, ("fake",), diariser=FakeDiariser(TURNS)
    )
    return CallFactory.of(models)


def log_of(
    recording: Recording,
    turns: Sequence[Turn] = TURNS,
    *,
    reader: Listening | None = None,
    transcriber: ByLength | None = None,
    told: RolesAssigned | None = None,
) -> list[LogEntry]:
    heard = hear(recording, FakeDiariser(turns))
    factory = new_factory(reader or Listening(), transcriber or ByLength())
    return list(analyse_mono(heard, started(), factory, lambda _: None, told))


def roles_in(log: Sequence[LogEntry]) -> RolesAssigned:
    (assigned,) = (e.event for e in log if isinstance(e.event, RolesAssigned))
    return assigned


def parties_of(assigned: RolesAssigned) -> dict[str, Party]:
    return {each.speaker: each.party for each in assigned.speakers}


def scores(log: Sequence[LogEntry]) -> list[float]:
    return [e.event.score for e in log if isinstance(e.event, HostilityPoint)]


def test_the_words_say_who_is_the_customer_and_the_customer_is_scored(
    recording: Recording,
) -> None:
    log = log_of(recording)

    assert parties_of(roles_in(log)) == {"v1": Party.AGENT, "v2": Party.CUSTOMER}
    assert isinstance(log[0].event, CallStarted)
    assert log[0].event.parties == (Party.CUSTOMER, Party.AGENT)
    assert isinstance(log[1].event, RolesAssigned)
    assert max(scores(log)) > 30


def test_every_word_goes_to_whose_turn_it_is(recording: Recording) -> None:
    words = [e.event for e in log_of(recording) if isinstance(e.event, TranscriptFinal)]

    assert [(each.party, round(each.start_s)) for each in words] == [
        (Party.AGENT, 1),
        (Party.CUSTOMER, 5),
        (Party.AGENT, 12),
        (Party.CUSTOMER, 16),
        (Party.AGENT, 22),
    ]


def test_only_what_the_customer_says_alone_reaches_the_voice_model(
    recording: Recording,
) -> None:
    reader = Listening()

    log_of(recording, reader=reader)

    assert reader.windows
    for window in reader.windows:
        loud = window.pcm[window.pcm > 0]
        assert set(np.unique(np.round(loud, 2))) == {np.float32(0.4)}
        assert window.start / RATE >= 16 - FRAME_S or window.end_s <= 11 + 1


def test_the_same_recording_gives_the_same_log(recording: Recording) -> None:
    assert log_of(recording) == log_of(recording)


def test_nothing_is_written_down_twice(recording: Recording) -> None:
    transcriber = ByLength()

    log = log_of(recording, transcriber=transcriber)

    n_words = sum(isinstance(entry.event, TranscriptFinal) for entry in log)
    written, so_far = transcriber.asked[:n_words], transcriber.asked[n_words:]
    assert not set(written) & set(so_far), "only unfinished words are asked for later"


def test_somebody_can_say_that_it_is_the_other_one(recording: Recording) -> None:
    heard = hear(recording, FakeDiariser(TURNS))

    log = log_of(recording, told=assign(heard, "v1", "ana"))

    after = roles_in(log)
    assert parties_of(after) == {"v1": Party.CUSTOMER, "v2": Party.AGENT}
    assert after.by == "ana"
    assert scores(log) != scores(log_of(recording))


def test_a_speaker_that_there_is_not_cannot_be_the_customer(
    recording: Recording,
) -> None:
    with pytest.raises(RecordingError, match="v1, v2"):
        assign(hear(recording, FakeDiariser(TURNS)), "v3", "ana")


def test_recordings_go_the_way_that_their_channels_ask_for(
    recording: Recording,
) -> None:
    factory = new_factory(Listening(), ByLength())
    deaf = replace(factory, models=replace(factory.models, diariser=None))

    logs = [
        list(analyse_recording(recording, started(), each, lambda _: None))
        for each in (factory, deaf)
    ]

    assert logs[0] == log_of(recording)
    assert Degraded(Degradation.ROLES_UNKNOWN) in [entry.event for entry in logs[1]]


def test_one_voice_alone_is_written_down_but_not_scored(recording: Recording) -> None:
    reader = Listening()

    log = log_of(recording, [Turn(1.0, 25.0, "v1")], reader=reader)

    assert Degraded(Degradation.ROLES_UNKNOWN) in [entry.event for entry in log]
    assert parties_of(roles_in(log)) == {"v1": Party.UNKNOWN}
    assert not scores(log)
    assert not reader.windows
    assert any(isinstance(entry.event, TranscriptFinal) for entry in log)


def test_words_that_tell_nothing_leave_everybody_unscored(
    recording: Recording,
) -> None:
    heard = hear(recording, FakeDiariser(TURNS))
    factory = new_factory(Listening(), ByLength())
    silent = replace(factory.models, transcriber=FakeTranscriber(["hm"] * 99))

    log = list(
        analyse_mono(heard, started(), replace(factory, models=silent), lambda _: None)
    )

    assert Degraded(Degradation.ROLES_UNKNOWN) in [entry.event for entry in log]
    assert roles_in(log).confidence < 0.85


@pytest.mark.parametrize(
    ("first", "customer"), [(Party.CUSTOMER, "v1"), (Party.AGENT, "v2")]
)
def test_who_speaks_first_may_be_told_beforehand(
    recording: Recording, first: Party, customer: str
) -> None:
    factory = new_factory(Listening(), ByLength())
    mumbling = replace(factory.models, transcriber=FakeTranscriber(["hm"] * 99))

    log = list(
        analyse_mono(
            hear(recording, FakeDiariser(TURNS)),
            started(first),
            replace(factory, models=mumbling),
            lambda _: None,
        )
    )

    assert parties_of(roles_in(log))[customer] is Party.CUSTOMER
    assert [each.sign for each in roles_in(log).evidence] == ["told"]
    assert scores(log)


def test_a_word_or_two_in_a_whole_call_have_no_role(recording: Recording) -> None:
    turns = [*TURNS, Turn(26.0, 26.5, "v3")]

    log = log_of(recording, turns)

    assert parties_of(roles_in(log)) == {
        "v1": Party.AGENT,
        "v2": Party.CUSTOMER,
        "v3": Party.AGENT,
    }


def test_an_empty_recording_has_nobody_in_it(recording: Recording) -> None:
    log = log_of(recording, [])

    assert roles_in(log).speakers == ()
    assert not scores(log)


def test_a_recording_that_cannot_be_diarised_is_one_error(
    recording: Recording,
) -> None:
    with pytest.raises(RecordingError, match=r"call\.wav"):
        hear(recording, Broken())
