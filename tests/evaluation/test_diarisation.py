"""Simulated calls, RTTM and the measuring of who speaks when."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audio.frame import RATE
from audio.speakers import Turn
from evaluation.diarisation import Outcome, figures
from evaluation.diarisation_baseline import joined
from evaluation.diarisation_cases import Case, mixed, read_rttm, recordings
from evaluation.diarisation_hard import hard_calls
from evaluation.diarisation_live import follow, latencies_s
from evaluation.diarisation_mixtures import MixtureParams, simulate, varied
from evaluation.diarisation_outcomes import outcome_figures
from evaluation.diarisation_voices import (
    RATE as LINE_RATE,
)
from evaluation.diarisation_voices import (
    STEP_S,
    Voice,
    is_held_out,
    utterance_of,
    without_short,
)
from models.errors import DataError
from models.fake import FakeTracker

pytestmark = pytest.mark.unit

PARAMS = MixtureParams(duration_s=30.0, alone=0.0, third=0.0)


def voice(name: str, hz: float) -> Voice:
    time_s = np.arange(2 * LINE_RATE) / LINE_RATE
    pcm = (0.3 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)
    return Voice(name, "made", "", (utterance_of(pcm, ""),))


VOICES = tuple(voice(f"v{index}", 200.0 + 150 * index) for index in range(4))


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def case(turns: list[Turn], length_s: float = 10.0) -> Case:
    silence: NDArray[np.float32] = np.zeros(round(length_s * RATE), np.float32)
    return Case("data", "c", silence, tuple(turns))


def test_the_same_draw_gives_the_same_call() -> None:
    first, second = (simulate(VOICES, PARAMS, draw()) for _ in range(2))

    assert np.array_equal(first.pcm, second.pcm)
    assert first.turns() == second.turns()
    assert not np.array_equal(first.pcm, simulate(VOICES, PARAMS, draw(1)).pcm)


def test_a_call_has_two_parties_who_sometimes_speak_at_once() -> None:
    calls = [simulate(VOICES, PARAMS, draw(seed)) for seed in range(6)]

    assert {len(call.speakers) for call in calls} == {2}
    speaking = np.concatenate([call.speech.sum(axis=0) for call in calls])
    assert 0.02 < np.mean(speaking == 2) < 0.5
    assert np.mean(speaking == 0) > 0.05


def test_sound_lies_where_the_truth_says() -> None:
    params = MixtureParams(duration_s=30.0, alone=1.0, third=0.0, snr_db=(60, 60))

    call = simulate(VOICES, params, draw())

    steps = call.pcm.reshape(-1, round(LINE_RATE * STEP_S))
    power = np.square(steps).mean(axis=1)
    speech = call.speech[0]
    assert power[speech].mean() > 20 * np.median(power[~speech])


def test_a_third_speaker_may_come() -> None:
    params = MixtureParams(duration_s=60.0, alone=0.0, third=1.0)

    assert len(simulate(VOICES, params, draw()).speakers) == 3


def test_a_line_may_be_noisy_far_and_damaged_and_every_call_of_its_own_kind() -> None:
    anywhere = MixtureParams(
        duration_s=8.0, far=0.5, babble=1.0, clatter=1.0, damaged=1.0
    )

    ways = [varied(anywhere, draw(seed)) for seed in range(8)]
    calls = [simulate(VOICES, way, draw()) for way in ways[:3]]

    assert {way.far for way in ways} == {0.0, 1.0}
    assert len({way.turn_s for way in ways}) == len(ways)
    for call in calls:
        assert np.isfinite(call.pcm).all()
        assert call.pcm.std() > 0


def test_there_is_one_call_of_each_hard_kind() -> None:
    women = [replace(one, gender=gender) for one in VOICES for gender in ("F", "M")]

    calls = dict(hard_calls(women, 1))

    assert list(calls) == ["shouting", "three_words", "music", "transfer"]
    overlap = (calls["shouting"].speech.sum(axis=0) > 1).mean()
    assert overlap > 0.15
    talked, said = calls["three_words"].speech.sum(axis=1) * STEP_S
    assert talked > 60
    assert 0.3 < said < 1.5
    assert len(calls["transfer"].speakers) == 3
    assert sum(end - start for start, end in calls["music"].music) * STEP_S > 5
    with pytest.raises(DataError, match="gender"):
        list(hard_calls(VOICES, 1))


def test_what_became_of_a_hard_call_is_told_voice_by_voice() -> None:
    truth = [Turn(0.0, 6.0, "a"), Turn(6.0, 8.0, "b"), Turn(8.0, 9.0, "c")]
    found = [
        Turn(0.0, 5.0, "x"),
        Turn(5.0, 8.0, "y"),
        Turn(8.0, 9.0, "y"),
        Turn(11.0, 12.0, "x"),
    ]

    told = outcome_figures("hard.", truth, found, [(10.0, 14.0)])

    assert {figure.name: figure.value for figure in told} == {
        "hard.voice1_own_label": 1.0,
        "hard.voice1_under_another": pytest.approx(100 / 6),
        "hard.voice2_own_label": 0.0,
        "hard.voice2_under_another": 0.0,
        "hard.voice3_own_label": 0.0,
        "hard.voice3_under_another": 0.0,
        "hard.music_as_speech": pytest.approx(25.0),
    }


def test_a_label_is_as_late_as_it_was_given() -> None:
    pcm = np.zeros(round(8 * RATE), np.float32)
    turns = (Turn(1.0, 3.0, "a"), Turn(4.0, 6.0, "b"))

    followed = follow(pcm, FakeTracker(turns, behind=25))

    assert [turn.speaker for turn in followed.turns] == ["a", "b"]
    assert latencies_s(followed, turns) == pytest.approx([0.8, 0.8], abs=0.07)
    assert latencies_s(followed, (*turns, Turn(7.0, 7.5, "c")))[2] > 0.9


def test_short_runs_are_dropped_and_long_ones_kept() -> None:
    mask = np.array([1, 0, 1, 1, 1, 0, 1, 1], bool)

    assert without_short(mask, 3).tolist() == [0, 0, 1, 1, 1, 0, 0, 0]


def test_some_speakers_are_held_out_the_same_ones_always() -> None:
    names = [f"speaker{index}" for index in range(200)]

    held_out = [name for name in names if is_held_out(name)]

    assert 20 < len(held_out) < 80
    assert is_held_out("banglaser_07")


def test_rttm_is_read_and_its_recordings_are_found(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(RATE, 0.1, np.float32), RATE)
    line = "SPEAKER a 1 0.250 0.500 <NA> <NA> ann <NA> <NA>\n"
    nothing, later = (line.replace("0.250 0.500", at) for at in ("0.1 0", "7 1"))
    (tmp_path / "a.rttm").write_text(f"; comment\n{line}{nothing}{later}", "utf-8")

    (found,) = recordings(tmp_path)

    assert found.truth == (Turn(0.25, 0.75, "ann"),)
    assert found.duration_s == 1.0


def test_rttm_that_names_the_parties_knows_the_roles(tmp_path: Path) -> None:
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", np.full(RATE, 0.1), RATE)
    lines = [
        f"SPEAKER {name} 1 0 0.5 <NA> <NA> {who} <NA> <NA>\r\n"
        for name, who in (("a", "Customer"), ("a", "AGENT"), ("b", "agent"))
    ]
    (tmp_path / "all.rttm").write_text("".join(lines), encoding="utf-8-sig")

    known, unknown = recordings(tmp_path)

    assert {turn.speaker for turn in known.truth} == {"customer", "agent"}
    assert known.knows_roles
    assert not unknown.knows_roles


@pytest.mark.parametrize(
    "line",
    [
        "SPEAKER a 1 zero 1 x x y",
        "SPEAKER a 1 0",
        "SPEAKER a 1 0 nan x x y",
        "SPEAKER a 1 -1 2 x x y",
        "SPEAKER a 1 inf 0 x x y",
    ],
)
def test_a_broken_line_of_rttm_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.rttm"
    path.write_text(line, encoding="utf-8")

    with pytest.raises(DataError, match=r"a\.rttm, line 1"):
        list(read_rttm(path))


def test_a_folder_without_truth_or_audio_is_refused(tmp_path: Path) -> None:
    for find in (recordings, mixed):
        with pytest.raises(DataError, match="folder"):
            list(find(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"\*\.rttm"):
        list(recordings(tmp_path))
    with pytest.raises(DataError, match="two channels"):
        list(mixed(tmp_path))
    (tmp_path / "a.rttm").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"a\.rttm cannot be read"):
        list(recordings(tmp_path))
    line = "SPEAKER gone 1 3 1 <NA> <NA> x <NA> <NA>"
    (tmp_path / "a.rttm").write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match="gone"):
        list(recordings(tmp_path))
    soundfile.write(tmp_path / "gone.WAV", np.zeros((RATE, 2), np.float32), RATE)
    with pytest.raises(DataError, match=r"every turn of gone begins after its end"):
        list(recordings(tmp_path))
    with pytest.raises(DataError, match=r"nobody is heard on either channel of gone"):
        list(mixed(tmp_path))


def test_errors_are_counted_in_parts() -> None:
    truth = [Turn(0, 4, "x"), Turn(4, 8, "y")]
    ours = (Turn(0, 6, "1"), Turn(6, 8, "2"), Turn(9, 10, "2"))

    found = {
        figure.name: figure.value
        for figure in figures("", [Outcome(case(truth), ours, tuple(truth), 1.0)])
    }

    assert found["diarisation.confusion"] == pytest.approx(25.0)
    assert found["diarisation.false_alarm"] == pytest.approx(12.5)
    assert found["diarisation.missed_detection"] == pytest.approx(0.0)
    assert found["diarisation.der"] == pytest.approx(37.5)
    assert found["diarisation.baseline_der"] == pytest.approx(0.0)
    assert found["diarisation.speaker_count_error"] == 0
    assert found["diarisation.rtf"] == pytest.approx(0.1)


def test_a_collar_leaves_out_what_is_near_a_boundary() -> None:
    truth = [Turn(0, 4, "x"), Turn(4, 8, "y")]
    late = (Turn(0, 4.2, "1"), Turn(4.2, 8, "2"))

    found = {
        figure.name: figure.value
        for figure in figures("", [Outcome(case(truth), late, late, 1.0)])
    }

    assert found["diarisation.der"] > 2
    assert found["diarisation.der_collar250"] == pytest.approx(0.0)


def test_where_a_collar_leaves_nothing_nothing_is_wrong() -> None:
    word = (Turn(1, 1.4, "x"),)

    found = {
        figure.name: figure.value
        for figure in figures("", [Outcome(case(list(word)), word, word, 1.0)])
    }

    assert found["diarisation.der_collar250"] == 0


def test_windows_of_one_speaker_are_joined_and_others_part_in_the_middle() -> None:
    pieces = [(0.0, 1.6), (0.8, 2.4), (1.6, 3.0), (5.0, 6.0)]

    turns = joined(pieces, np.array([1, 1, 2, 2]))

    assert [(turn.start_s, turn.end_s) for turn in turns] == [
        (0.0, 2.0),
        (2.0, 3.0),
        (5.0, 6.0),
    ]
