"""Replays what the models heard in a call with other parameters of what follows.

Much faster than a `Call`, and true to one frame: what the models and the turn-taking
said, and when the call knew it, does not depend on the parameters that are fitted.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace

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


def read_higher(call: Recorded, by: float) -> Recorded:
    """Make of a call one in which every reading of the voice is higher.

    Args:
        call: as it was heard.
        by: how much, in log-odds.
    """
    inputs = tuple(
        (at_s, replace(one, anger=_raised(one.anger, by)))
        if isinstance(one, VoiceReading)
        else (at_s, one)
        for at_s, one in call.inputs
    )
    return replace(call, inputs=inputs)


def _raised(p: float, by: float) -> float:
    # The odds of p = 1 are endless; they stay so.
    return p / (p + (1 - p) * math.exp(-by)) if p else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """The curve of one call, and what its forecast is made from.

    Attributes:
        points: one for every whole second.
        changes: of the phase.
        outlooks: float64, shape ``(n_seconds, 4)``: score, slope, hostility,
            interruptions.
        glances: the same whenever something was heard, behind the call time of it:
            shape ``(n_glances, 5)``.
    """

    call: Recorded
    points: tuple[HostilityPoint, ...]
    changes: tuple[PhaseChanged, ...]
    outlooks: NDArray[np.float64]
    glances: NDArray[np.float64]

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
    glances = []
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
            outlooks.append(astuple(customer.outlook))
            second += 1
        if event is not None:
            customer.advance(at_s)
            if _feed(customer, event):
                glances.append((at_s, *astuple(customer.outlook)))
    n_seconds = min(len(points), len(call.truth.phases))
    return Followed(
        call,
        tuple(points[:n_seconds]),
        tuple(changes),
        np.array(outlooks[:n_seconds], np.float64).reshape(-1, 4),
        np.array(glances, np.float64).reshape(-1, 5),
    )


def _feed(customer: Customer, event: Input) -> bool:
    """Feed what was heard; say whether the forecast glanced at it."""
    match event:
        case VoiceReading():
            customer.feed_voice(event)
            return True
        case WordReading():
            customer.feed_words(event)
            return True
        case WordsSoFar(reading=reading):
            customer.feed_words_so_far(reading)
            return True
        case Utterance():
            customer.feed_utterance(event)
        case SpeechStarted() | SpeechEnded():
            customer.feed_speech(event)
        case _:
            customer.feed_turns(event)
    return False


def cue(
    followed: Followed,
    log_odds: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    step: float,
    params: PauseCueParams,
) -> Outcome:
    """Let a cue follow the curve and a forecast.

    Args:
        followed: the curve.
        log_odds: forecast of outlooks, shape ``(n, 4)``.
        step: smallest change of a forecast that is told.
        params: of the cue.
    """
    call = followed.call
    pause = PauseCue(params, lambda: _LINE)
    armed = []
    for at_s, event in _merged(followed, log_odds, step):
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
    followed: Followed,
    log_odds: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    step: float,
) -> Iterator[tuple[float, object]]:
    """Yield in order of time all that moves a cue, and ticks in between."""
    events: list[tuple[float, object]] = [
        (at_s, event)
        for at_s, event in followed.call.inputs
        if isinstance(event, SpeechStarted | SpeechEnded)
    ]
    events += [(change.at_s, change) for change in followed.changes]
    seconds = [point.at_s for point in followed.points]
    looks = np.concatenate([followed.outlooks, followed.glances[:, 1:]])
    at_s = np.concatenate([seconds, followed.glances[:, 0]])
    told = float("-inf")
    p = 1 / (1 + np.exp(-log_odds(looks)))
    # At one time the second comes first, as in a call.
    for number in np.argsort(at_s, kind="stable"):
        glanced = number >= len(seconds)
        change = float(p[number]) - told
        if change >= step or (not glanced and -change >= step):
            told = float(p[number])
            now_s = float(at_s[number])
            events.append((now_s, Forecast(now_s, told, HORIZON_S)))
    n_ticks = int(followed.call.duration_s / TICK_S)
    events += [(TICK_S * number, None) for number in range(1, n_ticks)]
    yield from sorted(events, key=lambda one: one[0])
