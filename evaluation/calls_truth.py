"""What a supervisor who listens would say of a planned call, second by second.

The course of hostility follows from when each mood begins in the customer's speech:

- calm, and every mood without hostility (happy, surprised, sad, frightened): 0;
- irritated: up to 45 within 3 s of the first irritated word;
- angry: up to 65 within 3 s of the first angry word, and on to 85 at the middle of the
  angry stretch, which is the *peak*; then 85;
- calming: down to 10 within 15 s of the first calming word.

While the agent speaks or nobody does, hostility stays or goes on as above. The phase
is take-off from the first irritated word (or angry, if nobody was irritated) to the
peak, peak until the first calming word, slow-down while hostility falls to 40,
cool-down for 15 s more, then problem solving; rational before all that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from audio.frame import Party
from emotion.events import Phase
from evaluation.calls_audio import Utterance
from evaluation.calls_plan import Mood

CALM: Final = 0.0
IRRITATED: Final = 45.0
ANGRY: Final = 65.0
PEAK: Final = 85.0
CALMED: Final = 10.0

RISE_S: Final = 3.0
FALL_S: Final = 15.0
SLOW_DOWN_ENDS_AT: Final = 40.0
COOL_DOWN_S: Final = 15.0

_HOSTILE = (Mood.IRRITATED, Mood.ANGRY)


@dataclass(frozen=True, slots=True)
class Escalation:
    """One rise to anger; seconds of call time.

    Attributes:
        start_s: first irritated word, or first angry one where nobody is irritated.
        angry_s: first angry word.
        peak_s: when hostility is highest for the first time.
        end_s: first calming word, or the end of the call.
    """

    start_s: float
    angry_s: float
    peak_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is known of a call.

    Attributes:
        hostility: float64, shape ``(n_seconds,)``, 0 to 100; the first is that of
            the end of the call's first second, as in `HostilityPoint`.
        phases: of the same seconds.
        escalations: in the order they come.
    """

    hostility: NDArray[np.float64]
    phases: tuple[Phase, ...]
    escalations: tuple[Escalation, ...]


@dataclass(frozen=True, slots=True)
class _Stretch:
    mood: Mood
    start_s: float
    end_s: float


def truth_of(utterances: Sequence[Utterance], duration_s: float) -> Truth:
    """Work out what is known of a call from what was said in it."""
    spoken = [one for one in utterances if one.party is Party.CUSTOMER]
    stretches = []
    for mood, group in groupby(spoken, key=lambda one: one.mood):
        of_mood = list(group)
        stretches.append(_Stretch(mood, of_mood[0].start_s, of_mood[-1].end_s))
    at_s = np.arange(1, int(duration_s) + 1, dtype=np.float64)
    escalations = _escalations(stretches, duration_s)
    return Truth(
        _hostility(stretches, at_s),
        _phases(escalations, at_s),
        escalations,
    )


def _middle_s(stretch: _Stretch) -> float:
    return (stretch.start_s + stretch.end_s) / 2


def _hostility(
    stretches: Sequence[_Stretch], at_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Join the corners of the course by straight lines."""
    times, levels = [0.0], [CALM]

    def go(start_s: float, *corners: tuple[float, float]) -> None:
        level = float(np.interp(start_s, times, levels))
        # A new mood cuts short what the one before still had to do.
        while times[-1] >= start_s and len(times) > 1:
            times.pop()
            levels.pop()
        times.append(start_s)
        levels.append(level)
        for time_s, corner in corners:
            times.append(time_s)
            levels.append(corner)

    for stretch in stretches:
        start_s = stretch.start_s
        match stretch.mood:
            case Mood.IRRITATED:
                go(start_s, (start_s + RISE_S, IRRITATED))
            case Mood.ANGRY:
                risen_s = start_s + RISE_S
                peak_s = max(risen_s, _middle_s(stretch))
                go(start_s, (risen_s, ANGRY), (peak_s, PEAK))
            case Mood.CALMING:
                go(start_s, (start_s + FALL_S, CALMED))
            case _:
                go(start_s, (start_s + RISE_S, CALM))
    return np.interp(at_s, times, levels)


def _escalations(
    stretches: Sequence[_Stretch], duration_s: float
) -> tuple[Escalation, ...]:
    found = []
    for hostile, group in groupby(stretches, key=lambda one: one.mood in _HOSTILE):
        run = list(group)
        if not hostile:
            continue
        angry = next(one for one in run if one.mood is Mood.ANGRY)
        after = [one.start_s for one in stretches if one.start_s > run[-1].start_s]
        peak_s = max(angry.start_s + RISE_S, _middle_s(angry))
        end_s = after[0] if after else duration_s
        found.append(Escalation(run[0].start_s, angry.start_s, peak_s, end_s))
    return tuple(found)


def _phases(
    escalations: Sequence[Escalation], at_s: NDArray[np.float64]
) -> tuple[Phase, ...]:
    return tuple(_phase(escalations, float(now_s)) for now_s in at_s)


def _phase(escalations: Sequence[Escalation], now_s: float) -> Phase:
    """Say where the escalation stands that began last."""
    begun = [one for one in escalations if one.start_s <= now_s]
    if not begun:
        return Phase.RATIONAL
    last = begun[-1]
    slow_s = FALL_S * (PEAK - SLOW_DOWN_ENDS_AT) / (PEAK - CALMED)
    edges = (
        (last.peak_s, Phase.TAKE_OFF),
        (last.end_s, Phase.PEAK),
        (last.end_s + slow_s, Phase.SLOW_DOWN),
        (last.end_s + slow_s + COOL_DOWN_S, Phase.COOL_DOWN),
    )
    phases = (phase for until_s, phase in edges if now_s < until_s)
    return next(phases, Phase.PROBLEM_SOLVING)
