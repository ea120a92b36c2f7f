"""Replays what the models heard in a call with other parameters of what follows.

Much faster than a `Call`, and true to one frame: what the models and the turn-taking
said, and when the call knew it, does not depend on the parameters that are fitted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alerts.events import CueArmed
from alerts.pause_cue import PauseCue, PauseCueParams
from alerts.playbook import Line
from audio.events import (
    Interrupted,
    LongSilence,
    Overlapped,
    Responded,
    SpeechEnded,
    SpeechStarted,
)
from audio.frame import Party
from emotion.customer import Customer, EmotionParams
from emotion.events import Forecast, HostilityPoint, Phase, PhaseChanged, WordReading
from emotion.manner import Utterance
from evaluation.calls_plan import Kind
from evaluation.calls_score import Outcome
from evaluation.calls_truth import Truth
from models.ports import VoiceReading
from server.events import LogEntry, TranscriptFinal, WordsRead, WordsSoFar

TICK_S = 0.25
"""How often a cue may move between two events."""

HORIZON_S = 30

_HOT = (Phase.TAKE_OFF, Phase.PEAK)

Input = (
    VoiceReading
    | WordReading
    | WordsSoFar
    | Utterance
    | SpeechStarted
    | SpeechEnded
    | Overlapped
    | Interrupted
    | Responded
    | LongSilence
)
_INPUTS = (
    VoiceReading,
    WordsSoFar,
    SpeechStarted,
    SpeechEnded,
    Overlapped,
    Interrupted,
    Responded,
    LongSilence,
)

_LINE = Line("none", "", "en")  # Nobody looks at a replay.


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """What was heard in one call.

    Attributes:
        inputs: what the parameters that are fitted have no part in, with the call
            time at which the call knew it.
    """

    kind: Kind
    duration_s: float
    truth: Truth
    inputs: tuple[tuple[float, Input], ...]


def recorded(
    kind: Kind, duration_s: float, truth: Truth, log: Sequence[LogEntry]
) -> Recorded:
    """Pick out of a log what a replay needs."""
    inputs: list[tuple[float, Input]] = []
    for entry in log:
        event = entry.event
        if isinstance(event, WordsRead):
            inputs.append((entry.at_s, event.reading))
        elif isinstance(event, TranscriptFinal) and event.party is Party.CUSTOMER:
            said = Utterance(event.text, event.language, event.start_s, event.end_s)
            inputs.append((entry.at_s, said))
        elif isinstance(event, _INPUTS):
            inputs.append((entry.at_s, event))
    return Recorded(kind, duration_s, truth, tuple(inputs))


def without_opening(call: Recorded) -> Recorded:
    """Make of an escalating call one that is hostile from the first word.

    Nothing is heard of the customer before the first escalation, and only that one is
    known.
    """
    first = call.truth.escalations[0]
    inputs = tuple(one for one in call.inputs if one[0] >= first.start_s)
    return replace(call, inputs=inputs, truth=replace(call.truth, escalations=(first,)))


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """The curve of one call, and what its forecast is made from.

    Attributes:
        points: one for every whole second.
        changes: of the phase.
        outlooks: float64, shape ``(n_seconds, 4)``: score, slope, hostility,
            interruptions.
    """

    call: Recorded
    points: tuple[HostilityPoint, ...]
    changes: tuple[PhaseChanged, ...]
    outlooks: NDArray[np.float64]

    @property
    def soon(self) -> NDArray[np.bool_]:
        """Whether take-off or peak come within the horizon, or are there.

        They are there when it is known, and also when the curve says so: a forecast
        must not deny what is on the screen beside it.
        """
        said = [point.phase in _HOT for point in self.points]
        known = [phase in _HOT for phase in self.call.truth.phases[: len(said)]]
        ahead = [any(known[at : at + HORIZON_S + 1]) for at in range(len(said))]
        return np.logical_or(said, ahead)


def follow(call: Recorded, params: EmotionParams) -> Followed:
    """Draw the curve of a call."""
    customer = Customer(params)
    points: list[HostilityPoint] = []
    changes: list[PhaseChanged] = []
    outlooks = []
    second = 1
    for at_s, event in [*call.inputs, (call.duration_s, None)]:
        # Second by second, as the outlook is only that of the latest one.
        while second <= at_s:
            for told in customer.advance(second):
                match told:
                    case HostilityPoint():
                        points.append(told)
                    case PhaseChanged():
                        changes.append(told)
                    case _:
                        pass
            seen = customer.outlook
            outlooks.append(
                (seen.score, seen.slope, seen.hostility, seen.n_interruptions)
            )
            second += 1
        if event is not None:
            _feed(customer, event)
    n_seconds = min(len(points), len(call.truth.phases))
    return Followed(
        call,
        tuple(points[:n_seconds]),
        tuple(changes),
        np.array(outlooks[:n_seconds], np.float64).reshape(-1, 4),
    )


def _feed(customer: Customer, event: Input) -> None:
    match event:
        case VoiceReading():
            customer.feed_voice(event)
        case WordReading():
            customer.feed_words(event)
        case WordsSoFar(reading=reading):
            customer.feed_words_so_far(reading)
        case Utterance():
            customer.feed_utterance(event)
        case SpeechStarted() | SpeechEnded():
            customer.feed_speech(event)
        case _:
            customer.feed_turns(event)


def cue(
    followed: Followed,
    p: NDArray[np.float64],
    step: float,
    params: PauseCueParams,
) -> Outcome:
    """Let a cue follow the curve and a forecast.

    Args:
        followed: the curve.
        p: the forecast of each second, float64, shape ``(n_seconds,)``.
        step: smallest change of a forecast that is told.
        params: of the cue.
    """
    call = followed.call
    pause = PauseCue(params, lambda: _LINE)
    armed = []
    for at_s, event in _merged(followed, p, step):
        if event is not None:
            pause.feed(event)
        armed += [
            (told.at_s, told.cue_id)
            for told in pause.advance(at_s)
            if isinstance(told, CueArmed)
        ]
    n_seconds = len(followed.points)
    truth = Truth(
        call.truth.hostility[:n_seconds],
        call.truth.phases[:n_seconds],
        call.truth.escalations,
    )
    return Outcome(
        call.kind,
        call.duration_s,
        truth,
        np.array([point.score for point in followed.points]),
        tuple(point.phase for point in followed.points),
        tuple(armed),
    )


def _merged(
    followed: Followed, p: NDArray[np.float64], step: float
) -> Iterator[tuple[float, object]]:
    """Yield in order of time all that moves a cue, and ticks in between."""
    events: list[tuple[float, object]] = [
        (at_s, event)
        for at_s, event in followed.call.inputs
        if isinstance(event, SpeechStarted | SpeechEnded)
    ]
    events += [(change.at_s, change) for change in followed.changes]
    told = float("-inf")
    for point, value in zip(followed.points, p, strict=True):
        if abs(value - told) >= step:
            told = float(value)
            events.append((point.at_s, Forecast(point.at_s, told, HORIZON_S)))
    n_ticks = int(followed.call.duration_s / TICK_S)
    events += [(TICK_S * number, None) for number in range(1, n_ticks)]
    yield from sorted(events, key=lambda one: one[0])
