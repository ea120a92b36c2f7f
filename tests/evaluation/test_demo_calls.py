"""The demo calls are what their truth files say."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.unit

DEMO = Path(__file__).parents[2] / "evaluation" / "demo"
QUIET = 0.01
MARGIN_S = 0.05
"""How far the line's filters carry a sound beyond its turn."""


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def truth(language: str) -> dict[str, Any]:
    text = (DEMO / f"demo-{language}.truth.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def loud(language: str, start_s: float, end_s: float) -> list[float]:
    """RMS of each channel between two moments."""
    pcm, rate = soundfile.read(DEMO / f"demo-{language}.flac", always_2d=True)
    part = pcm[round(start_s * rate) : round(end_s * rate)]
    return [float(level) for level in np.sqrt(np.mean(part**2, axis=0))]


def test_a_demo_call_is_a_telephone_call_of_about_ninety_seconds(language: str) -> None:
    info = soundfile.info(DEMO / f"demo-{language}.flac")
    pcm, _ = soundfile.read(DEMO / f"demo-{language}.flac")

    assert (info.samplerate, info.channels) == (8000, 2)
    assert 80 <= info.duration <= 115
    assert np.abs(pcm).max() < 1.0


def test_the_customer_is_left_and_the_agent_right(
    language: str, truth: dict[str, Any]
) -> None:
    for turn in truth["turns"]:
        levels = loud(language, turn["start_s"], turn["end_s"])
        heard = levels[0] if turn["party"] == "customer" else levels[1]
        assert heard > QUIET


def test_the_agent_pauses_for_more_than_five_seconds(
    language: str, truth: dict[str, Any]
) -> None:
    (pause,) = truth["pauses"]

    assert pause["end_s"] - pause["start_s"] >= 5.2
    assert max(loud(language, pause["start_s"] + 0.2, pause["end_s"] - 0.2)) < QUIET


def test_a_party_is_silent_outside_its_turns(
    language: str, truth: dict[str, Any]
) -> None:
    pcm, rate = soundfile.read(DEMO / f"demo-{language}.flac", always_2d=True)
    for channel, party in enumerate(["customer", "agent"]):
        outside = np.ones(len(pcm), bool)
        for turn in truth["turns"]:
            if turn["party"] == party:
                begin, end = turn["start_s"] - MARGIN_S, turn["end_s"] + MARGIN_S
                outside[max(0, round(begin * rate)) : round(end * rate)] = False

        assert np.abs(pcm[outside, channel]).max() < QUIET


def test_the_agent_interrupts_once_and_supports_twice(truth: dict[str, Any]) -> None:
    floor = [turn for turn in truth["turns"] if not turn["backchannel"]]
    overlaps = [
        (after["party"], before["end_s"] - after["start_s"])
        for before, after in pairwise(floor)
        if after["start_s"] < before["end_s"]
    ]

    ((party, overlap_s),) = overlaps
    assert party == "agent"
    assert 0.8 < overlap_s < 1.2
    assert len(truth["turns"]) - len(floor) == 2


def test_every_phase_is_in_it(truth: dict[str, Any]) -> None:
    phases = {turn["phase"] for turn in truth["turns"]}

    assert {"rational", "take_off", "peak", "slow_down", "cool_down"} <= phases
