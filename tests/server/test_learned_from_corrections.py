"""What people correct at the desk is what `calmline train voice` learns from.

The words are tested with the click that corrects them, in `tests/web/test_desk.py`.
"""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio.frame import Party
from evaluation.desk import fill
from evaluation.desk_calls import made_calls
from models.voice_head import load_head
from server.cli import main
from server.desk.corrections import CorrectionKind, Corrections, NewCorrection
from server.events import TranscriptFinal
from server.store import Store

pytestmark = pytest.mark.model

RATE = 8000
N_CALLS = 24
N_HEARD = 6
"""Calls with a recording: hearing voices takes most of the time."""

CALM_HZ, ANGRY_HZ = 200, 700


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as exit_:
        main([str(one) for one in arguments])
    return int(exit_.value.code or 0)


def correct(store: Store, recordings: Path, call_id: str, number: int) -> None:
    """Mark the customer's first words as calm and the next as angry, as the page does.

    They sound like it: low and high.
    """
    said = [
        entry.event
        for entry in store.entries(call_id)
        if isinstance(entry.event, TranscriptFinal)
        and entry.event.party is Party.CUSTOMER
    ][:2]
    pcm = np.zeros((round((said[-1].end_s + 1) * RATE), 2), np.float32)
    kinds = (CorrectionKind.NOT_HOSTILE, CorrectionKind.MISSED_HOSTILITY)
    for one, kind, hz in zip(said, kinds, (CALM_HZ, ANGRY_HZ), strict=True):
        level = None if kind is CorrectionKind.NOT_HOSTILE else 3
        Corrections(store.engine).add(
            call_id,
            "Ann",
            NewCorrection(kind, one.start_s, one.end_s, one.utterance_id, level=level),
        )
        spoken = pcm[round(one.start_s * RATE) : round(one.end_s * RATE), 0]
        time_s = np.arange(len(spoken)) / RATE
        spoken += (0.3 * np.sin(2 * np.pi * (hz + 10 * number) * time_s)).astype("f4")
    if number < N_HEARD:
        soundfile.write(recordings / f"{call_id}.flac", pcm, RATE)


def test_corrections_train_the_voice_and_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    (data / "audio").mkdir(parents=True)
    monkeypatch.setenv("CALMLINE_SERVICE_DATA_DIR", str(data))
    store = Store(f"sqlite:///{data / 'calmline.db'}")
    fill(store, made_calls(N_CALLS, seed=3))
    for number in range(N_CALLS):
        correct(store, data / "audio", f"made-{number:05}", number)
    store.close()
    out, voice = tmp_path / "out", tmp_path / "voice.npz"

    assert run("corrections", out) == 0
    said = capsys.readouterr().err
    assert run("train", "voice", "--data", out / "voice", "--out", voice) == 0
    of_voice = capsys.readouterr().out

    assert f"{2 * N_CALLS} lines of words, {2 * N_HEARD} spans of voice" in said
    for figure in ("before", "after", "Held out:"):
        assert figure in of_voice
    assert "corrections" in load_head(voice).card.trained_on
