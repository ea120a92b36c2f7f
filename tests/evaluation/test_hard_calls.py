"""What becomes of the calls in which it is hard to tell who speaks.

The voices are those of the demo calls, which nothing was trained or tuned on.
"""

from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from audio.frame import RATE
from audio.speakers import Turn
from evaluation.diarisation_baseline import speech_of
from evaluation.diarisation_outcomes import outcome_figures
from evaluation.diarisation_sounds import held
from evaluation.diarisation_voices import RATE as LINE_RATE
from evaluation.diarisation_voices import STEP_S
from models.diarisation import PyannoteDiariser

pytestmark = pytest.mark.model

DEMO = Path(__file__).parents[2] / "evaluation" / "demo"
PAUSE_S = 0.4
Pcm = NDArray[np.float32]


@pytest.fixture(scope="module")
def voices() -> dict[str, list[Pcm]]:
    """What each of four voices says, utterance by utterance: two men, two women."""
    found: dict[str, list[Pcm]] = {}
    for language in ("en", "zh"):
        pcm, rate = soundfile.read(DEMO / f"demo-{language}.flac", dtype="float32")
        for sex, leg in zip(("man", "woman"), pcm[: 60 * rate].T, strict=True):
            wide = np.asarray(soxr.resample(leg, rate, RATE), np.float32)
            found[f"{sex}-{language}"] = [
                wide[round(start_s * RATE) : round(end_s * RATE)]
                for start_s, end_s in speech_of(wide)
            ]
    return found


@pytest.fixture(scope="module")
def diariser() -> PyannoteDiariser:
    return PyannoteDiariser()


class Call:
    """A call on one channel, put together utterance by utterance."""

    def __init__(self, length_s: float) -> None:
        noise = np.random.default_rng(0).standard_normal(round(length_s * RATE))
        self.pcm = (1e-4 * noise).astype(np.float32)
        self.truth: list[Turn] = []

    def say(self, who: str, at_s: float, pcm: Pcm) -> float:
        """Add what somebody says; return when it is over."""
        start = round(at_s * RATE)
        self.pcm[start : start + len(pcm)] += pcm[: len(self.pcm) - start]
        end_s = min(at_s + len(pcm) / RATE, len(self.pcm) / RATE)
        self.truth.append(Turn(at_s, end_s, who))
        return end_s

    def talk(
        self,
        voices: dict[str, list[Pcm]],
        who: Sequence[str],
        start_s: float,
        end_s: float,
    ) -> None:
        """Let some take turns between two moments."""
        said = {name: iter(cycle(voices[name])) for name in who}
        at_s = start_s
        for name in cycle(who):
            for pcm in islice(said[name], 1):
                if at_s + len(pcm) / RATE > end_s:
                    return
                at_s = self.say(name, at_s, pcm) + PAUSE_S


def outcome(
    call: Call, diariser: PyannoteDiariser, music: tuple[float, float] | None = None
) -> dict[str, float]:
    found = diariser.diarise(call.pcm).turns
    figures = outcome_figures("", call.truth, found, [music] if music else [])
    return {
        "voices": float(len({turn.speaker for turn in found})),
        **{figure.name: figure.value for figure in figures},
    }


def test_two_men_shouting_over_each_other_are_two(
    voices: dict[str, list[Pcm]], diariser: PyannoteDiariser
) -> None:
    call = Call(36)
    call.talk(voices, ["man-en", "man-zh"], 0.5, 18)
    at_s = 18.0
    for one, other in zip(voices["man-en"], voices["man-zh"], strict=False):
        if at_s > 30:
            break
        ends_s = call.say("man-en", at_s, one), call.say("man-zh", at_s + 0.5, other)
        at_s = max(ends_s) + PAUSE_S

    told = outcome(call, diariser)

    assert told["voices"] == 2
    assert told["voice1_own_label"] == told["voice2_own_label"] == 1


def test_who_says_three_words_does_not_cut_the_other_in_two(
    voices: dict[str, list[Pcm]], diariser: PyannoteDiariser
) -> None:
    call = Call(60)
    call.talk(voices, ["woman-en"], 0.5, 30)
    call.say("man-zh", 31, voices["man-zh"][0][: round(1.2 * RATE)])
    call.talk(voices, ["woman-en"], 33, 60)

    told = outcome(call, diariser)

    assert told["voices"] == 2
    assert told["voice1_under_another"] < 10


def test_hold_music_is_nobody(
    voices: dict[str, list[Pcm]], diariser: PyannoteDiariser
) -> None:
    call = Call(45)
    call.talk(voices, ["woman-en", "man-en"], 0.5, 20)
    music = held(round(8 / STEP_S), np.random.default_rng(3))
    wide = np.asarray(soxr.resample(music, LINE_RATE, RATE), np.float32)
    call.pcm[22 * RATE : 22 * RATE + len(wide)] += wide
    call.talk(voices, ["woman-en", "man-en"], 32, 45)

    told = outcome(call, diariser, (22.0, 30.0))

    assert told["voices"] == 2
    assert told["voice1_own_label"] == told["voice2_own_label"] == 1
    assert told["music_as_speech"] < 15


def test_a_second_agent_of_the_same_sex_may_be_a_third_voice(
    voices: dict[str, list[Pcm]], diariser: PyannoteDiariser
) -> None:
    call = Call(80)
    call.talk(voices, ["man-en", "woman-en"], 0.5, 40)
    call.talk(voices, ["man-zh", "woman-en"], 42, 80)

    told = outcome(call, diariser)

    assert told["voices"] == 3
    assert [told[f"voice{place}_own_label"] for place in (1, 2, 3)] == [1, 1, 1]
