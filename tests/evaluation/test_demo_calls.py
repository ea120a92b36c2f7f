"""The demo calls are what their truth files say."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.unit

DEMO = Path(__file__).parents[2] / "evaluation" / "demo"
QUIET = 0.01


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


def test_every_phase_is_in_it(truth: dict[str, Any]) -> None:
    phases = {turn["phase"] for turn in truth["turns"]}

    assert {"rational", "take_off", "peak", "slow_down", "cool_down"} <= phases
