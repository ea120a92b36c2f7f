"""Telling voices apart with the weights that are shipped."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch
import yaml  # type: ignore[import-untyped]  # no stubs
from numpy.typing import NDArray

from audio.frame import FRAME_SAMPLES, RATE, Party
from models import diarisation_weights
from models.diarisation import DiarisationParams, PyannoteDiariser
from models.errors import WeightsError
from models.fake import FakeDetector, FakeTranscriber, FakeVoiceReader
from models.speaker_encoder import (
    N_DIMENSIONS,
    STEP_SAMPLES,
    load_speaker_encoder,
    spectrogram,
)
from models.speaker_tracking import LiveTracker
from server.engine import Models
from server.events import CallStarted, Consent
from server.exports import write_all
from server.factory import CallFactory
from server.mono import analyse_mono, hear
from server.recording import open_recording
from users_pipeline import closed_hub, write_pipeline

pytestmark = pytest.mark.model

DATA = Path(__file__).parents[1] / "data"
DEMO = Path(__file__).parents[2] / "evaluation" / "demo" / "demo-en.flac"
EXPORTS = {"events.json", "curve.csv", "transcript.vtt", "turns.rttm", "speakers.rttm"}


@pytest.fixture(scope="module")
def diariser() -> PyannoteDiariser:
    return PyannoteDiariser()


@pytest.fixture(scope="module")
def spoken() -> NDArray[np.float32]:
    """A few seconds of speech."""
    pcm, rate = soundfile.read(DATA / "spoken.en.wav", dtype="float32")
    wide: NDArray[np.float32] = soxr.resample(pcm, rate, RATE)
    return np.concatenate([wide, wide[: 2 * RATE]]).astype(np.float32)


def test_speech_is_found_and_told_the_same_way_again(
    diariser: PyannoteDiariser, spoken: NDArray[np.float32]
) -> None:
    first, second = diariser.diarise(spoken), diariser.diarise(spoken)

    assert first == second
    assert sum(turn.end_s - turn.start_s for turn in first.floor) > 1.0
    assert all(0 <= turn.start_s < turn.end_s for turn in first.turns)


@pytest.mark.parametrize("length_s", [0.0, 0.5, 20.0])
def test_silence_holds_nobody(diariser: PyannoteDiariser, length_s: float) -> None:
    silence = np.zeros(round(length_s * RATE), np.float32)

    assert diariser.diarise(silence).turns == ()


def test_speech_is_possible_near_speech_and_nowhere_else(
    diariser: PyannoteDiariser, spoken: NDArray[np.float32]
) -> None:
    diariser.diarise(spoken)  # pyannote's telemetry is off before it is imported.
    from models.diarisation_pyannote import speech_possible  # noqa: PLC0415  # by now

    noise = 0.02 * np.random.default_rng(0).standard_normal(4 * RATE)
    pcm = np.concatenate([noise, spoken, noise]).astype(np.float32)

    possible = speech_possible(pcm)

    n_noise = len(noise) // FRAME_SAMPLES
    assert len(possible) == len(pcm) // FRAME_SAMPLES
    assert possible[n_noise:-n_noise].mean() > 0.9
    assert not possible[n_noise // 2 : 3 * n_noise // 4].any()  # It starts unsure.
    assert not possible[-n_noise // 4 :].any()


@pytest.mark.parametrize(
    ("length_s", "n_windows"), [(3.0, 1), (8.0, 1), (8.3, 2), (8.8, 2), (20.1, 17)]
)
def test_windows_reach_to_the_end_of_a_recording(
    diariser: PyannoteDiariser,
    spoken: NDArray[np.float32],
    length_s: float,
    n_windows: int,
) -> None:
    diariser.diarise(spoken)
    from models.diarisation_pyannote import own_pipeline  # noqa: PLC0415  # by now

    pcm = torch.from_numpy(np.resize(spoken, round(length_s * RATE)))[None]
    pipeline = own_pipeline(diarisation_weights.DEFAULT)

    found = pipeline.get_segmentations({"waveform": pcm, "sample_rate": RATE})

    n_classes = diarisation_weights.powerset().num_powerset_classes
    assert found.data.shape == (n_windows, 200, n_classes)
    assert found.sliding_window.step == pytest.approx(0.8)


def test_two_who_speak_at_once_all_the_time_are_not_silence(
    diariser: PyannoteDiariser,
    spoken: NDArray[np.float32],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    diariser.diarise(spoken)
    from models.diarisation_pyannote import own_pipeline, run  # noqa: PLC0415  # by now

    pipeline = own_pipeline(diarisation_weights.DEFAULT)
    heard = pipeline.get_segmentations(
        {"waveform": torch.from_numpy(spoken)[None], "sample_rate": RATE}
    )
    both = int(np.asarray(diarisation_weights.powerset().mapping).sum(axis=1).argmax())
    heard.data = np.log(np.full_like(heard.data, 1e-6))
    heard.data[..., both] = 0.0
    monkeypatch.setattr(pipeline, "get_segmentations", lambda _file: heard)

    found = run(pipeline, spoken, (2, 3))

    assert {turn.speaker for turn in found.turns} == {"SPEAKER_00"}
    assert sum(turn.end_s - turn.start_s for turn in found.turns) > 1.0


def test_the_telemetry_of_pyannote_is_off(
    diariser: PyannoteDiariser, spoken: NDArray[np.float32]
) -> None:
    diariser.diarise(spoken)

    from pyannote.audio.telemetry import metrics  # noqa: PLC0415  # imported by now

    assert os.environ["PYANNOTE_METRICS_ENABLED"] == "0"
    assert not metrics.is_metrics_enabled()


@pytest.fixture(scope="module")
def users_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline as users keep a copy of one, laid out like community-1."""
    return write_pipeline(tmp_path_factory.mktemp("pipeline"))


@pytest.mark.parametrize("legacy", [False, True])
def test_the_users_own_pipeline_is_used_in_place_of_ours(
    users_folder: Path, tmp_path: Path, spoken: NDArray[np.float32], *, legacy: bool
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(users_folder, folder)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["pipeline"]["params"]["legacy"] = legacy
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    theirs = PyannoteDiariser(DiarisationParams(pipeline=str(folder)))

    found = theirs.diarise(spoken)

    assert theirs.name == f"pyannote {folder}"
    assert sum(turn.end_s - turn.start_s for turn in found.turns) > 1.0
    assert bool(found.floor) is not legacy


@pytest.mark.parametrize(
    ("broken", "content"),
    [
        ("config.yaml", ""),
        ("config.yaml", "pipeline: {name: os.nothing}"),
        ("config.yaml", "a: [b"),
        (
            "segmentation/pytorch_model.bin",
            "version https://git-lfs.github.com/spec/v1",
        ),
        ("plda/plda.npz", "version https://git-lfs.github.com/spec/v1"),
        ("embedding/pytorch_model.bin", None),
    ],
)
def test_a_pipeline_with_a_broken_file_is_one_error(
    users_folder: Path, tmp_path: Path, broken: str, content: str | None
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(users_folder, folder)
    if content is None:
        (folder / broken).unlink()
    else:
        (folder / broken).write_text(content)
    params = DiarisationParams(pipeline=str(folder))

    with pytest.raises(WeightsError, match="damaged or incomplete"):
        PyannoteDiariser(params).diarise(np.zeros(2 * RATE, np.float32))


def test_a_pipeline_that_is_not_there_is_told_with_the_setting(tmp_path: Path) -> None:
    params = DiarisationParams(pipeline=str(tmp_path / "nothing"))

    with pytest.raises(WeightsError, match=r"is not here.*diarisation\.pipeline"):
        PyannoteDiariser(params).diarise(np.zeros(2 * RATE, np.float32))


@pytest.mark.parametrize(
    ("status", "why"), [(401, "GatedRepo"), (403, "GatedRepo"), (404, "RepoNotFound")]
)
def test_a_pipeline_that_the_hub_does_not_give_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    why: str,
) -> None:
    with closed_hub(status, why) as address:
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
        )
        params = DiarisationParams(pipeline="somebody/gated")

        with pytest.raises(WeightsError, match=r"accept.*diarisation\.token_env"):
            PyannoteDiariser(params).diarise(np.zeros(2 * RATE, np.float32))

    assert capsys.readouterr().out == ""


def test_weights_come_back_as_they_were_written(tmp_path: Path) -> None:
    model, card = diarisation_weights.load()
    path = tmp_path / "weights.npz"

    diarisation_weights.save(path, model.state_dict(), card)

    again, card_again = diarisation_weights.load(path)
    assert card_again == card
    assert not set(card.speakers) & {"banglaser_07", "LibriSpeech_1089"}
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_another_file_is_no_weights(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    np.savez(path, card=np.array("{}"))

    with pytest.raises(WeightsError, match=r"weights\.npz"):
        diarisation_weights.load(path)


def test_the_encoder_describes_a_voice_and_says_when_it_cannot(
    spoken: NDArray[np.float32],
) -> None:
    mel = spectrogram(torch.from_numpy(spoken))
    encoder = load_speaker_encoder()

    with torch.inference_mode():
        heard = encoder.heard(mel)
        masks = torch.zeros((3, len(heard)), dtype=torch.bool)
        masks[0], masks[1, :100], masks[2, :10] = True, True, True
        voices = encoder(heard, masks)

    assert abs(len(heard) * STEP_SAMPLES - len(spoken)) < 2 * STEP_SAMPLES
    assert voices.shape == (3, N_DIMENSIONS)
    assert torch.allclose(voices[:2].norm(dim=1), torch.ones(2))
    assert voices[2].isnan().all()


def test_each_moment_is_described_from_who_speaks_alone_around_it(
    spoken: NDArray[np.float32],
) -> None:
    encoder = load_speaker_encoder()
    with torch.inference_mode():
        heard = encoder.heard(spectrogram(torch.from_numpy(spoken)))[:143]
        mask = torch.zeros(143, dtype=torch.bool)
        mask[22:60] = True
        around = encoder.around(heard, mask)
        second = encoder(heard[20:70], mask[None, 20:70])[0]

    assert around.shape == (15, N_DIMENSIONS)
    assert torch.allclose(around[4], second, atol=1e-4)
    known = ~around.isnan().any(dim=1)
    assert known.tolist() == [True] * 8 + [False] * 7
    assert torch.allclose(around[known].norm(dim=1), torch.ones(8))


def test_a_voice_is_more_like_itself_than_like_another() -> None:
    pcm, rate = soundfile.read(DEMO, dtype="float32")
    encoder = load_speaker_encoder()
    voices: list[torch.Tensor] = []

    for party in pcm[: 60 * rate].T:
        wide = np.asarray(soxr.resample(party, rate, RATE), np.float32)
        steps = wide[: len(wide) // 1600 * 1600].reshape(-1, 1600)
        said = steps[np.square(steps).mean(axis=1) > 1e-4].reshape(-1)
        with torch.inference_mode():
            for half in (said[: 4 * RATE], said[-4 * RATE :]):
                heard = encoder.heard(spectrogram(torch.from_numpy(half)))
                everything = torch.ones((1, len(heard)), dtype=torch.bool)
                voices.append(encoder(heard, everything)[0])

    customer, customer_later, agent, agent_later = voices
    others = max(customer @ agent, customer_later @ agent_later)
    assert min(customer @ customer_later, agent @ agent_later) > others


def test_no_voiceprint_is_left_on_disk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoken: NDArray[np.float32],
) -> None:
    seen: list[torch.Tensor] = []
    watch = load_speaker_encoder().register_forward_hook(
        lambda _module, _given, voices: seen.append(voices)
    )
    monkeypatch.chdir(tmp_path)
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    soundfile.write(tmp_path / "call.wav", spoken, RATE)
    models = Models(FakeDetector, FakeTranscriber(), FakeVoiceReader(), ("fake",))
    call = CallStarted("c", "", "", "en", (Party.UNKNOWN,), Consent.GRANTED, "", ())

    heard = hear(open_recording(tmp_path / "call.wav"), PyannoteDiariser())
    entries = list(analyse_mono(heard, call, CallFactory.of(models), lambda _: None))
    write_all(entries, tmp_path / "out", "call", heard.timeline.turns)
    tracker = LiveTracker()
    for frame in heard.frames:
        tracker.feed(frame)
    tracker.flush()

    watch.remove()

    voices = [voice for batch in seen for voice in batch if not voice.isnan().any()]
    assert voices
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} == EXPORTS | {"call.wav"}
    for path in files:
        content = path.read_bytes()
        for voice in voices:
            loud = voice[voice > 0][:4].numpy()
            assert loud.tobytes() not in content
            assert loud.astype(np.float64).tobytes() not in content
            assert f"{loud[0]:.4f}, {loud[1]:.4f}".encode() not in content
