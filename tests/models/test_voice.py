"""Needs Whisper base, from the two packages of the extra `weights`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
import whisper
from numpy.typing import NDArray
from whisper.model import AudioEncoder

from audio.errors import PartyError
from audio.frame import FRAME_SAMPLES, RATE, CustomerWindow, Frame, Party
from models.errors import InferenceError, WeightsError
from models.voice import PERMISSIVE, EncoderVoiceReader, load_voice_reader
from models.voice_features import (
    NOMINAL_DBFS,
    STEP_SAMPLES,
    EarlyBlocks,
    find_speech,
    normalised,
)
from models.voice_head import load_head
from models.whisper_weights import load_whisper

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def encoder() -> AudioEncoder:
    return load_whisper().encoder


@pytest.fixture(scope="module")
def reader() -> EncoderVoiceReader:
    return load_voice_reader()


def voiced(
    duration_s: float, *, hz: float = 140.0, seed: int = 0
) -> NDArray[np.float32]:
    """Harmonics that swell four times a second: what a level meter takes for speech."""
    time_s = np.arange(round(duration_s * RATE)) / RATE
    harmonics = sum(np.sin(2 * np.pi * hz * k * time_s) / k for k in range(1, 20))
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time_s)
    noise = np.random.default_rng(seed).standard_normal(len(time_s)) * 1e-3
    return (0.05 * harmonics * swell + noise).astype(np.float32)


def test_a_reading_says_when_how_loud_and_by_whom(reader: EncoderVoiceReader) -> None:
    pcm = voiced(3.0)

    reading = reader.read(CustomerWindow(pcm, 2 * RATE))

    assert reading.end_s == 5.0
    assert 0.0 <= reading.anger <= 1.0
    assert reading.level_dbfs == find_speech(pcm).level_dbfs
    assert reading.model == reader.model == f"voice-permissive {version()}"


def version() -> str:
    return load_head(PERMISSIVE).card.version


@pytest.mark.parametrize("gain_db", [-30.0, -12.0, 12.0])
def test_loud_is_not_angry(reader: EncoderVoiceReader, gain_db: float) -> None:
    pcm = voiced(3.0)
    other = (pcm * 10 ** (gain_db / 20)).astype(np.float32)

    before = reader.read(CustomerWindow(pcm, 0))
    after = reader.read(CustomerWindow(other, 0))

    assert after.anger == pytest.approx(before.anger, abs=2e-3)
    assert after.level_dbfs == pytest.approx(before.level_dbfs + gain_db, abs=0.1)


@pytest.fixture(scope="module")
def early(encoder: AudioEncoder) -> EarlyBlocks:
    return EarlyBlocks(encoder, 2)


def test_silence_around_the_speech_hardly_counts(early: EarlyBlocks) -> None:
    pcm = voiced(2.0)
    quiet = np.zeros(RATE // 2, np.float32)

    alone = early.hear(pcm, (1,)).pooled
    with_silence = early.hear(np.concatenate([pcm, quiet]), (1,)).pooled
    of_silence = early.hear(quiet + np.float32(1e-3), (1,)).pooled

    near = float(np.linalg.norm(alone - with_silence))
    far = float(np.linalg.norm(alone - of_silence))
    assert near < far / 4


def test_packed_blocks_give_what_whisper_itself_gives(
    encoder: AudioEncoder, early: EarlyBlocks
) -> None:
    pcm = voiced(2.0)
    speech = find_speech(pcm)
    mel = whisper.log_mel_spectrogram(normalised(pcm, speech), 80)

    with torch.inference_mode():
        hidden = F.gelu(encoder.conv2(F.gelu(encoder.conv1(mel[None]))))
        hidden = hidden.permute(0, 2, 1)
        hidden = hidden + encoder.positional_embedding[: hidden.shape[1]]
        said = []
        for block in list(encoder.blocks)[:2]:
            hidden = block(hidden)
            said.append(hidden[0, speech.mask].numpy())

    expected = [said[0].mean(axis=0), said[1].std(axis=0), said[1].mean(axis=0)]
    assert np.allclose(
        early.hear(pcm, (1, 2)).pooled, np.concatenate(expected), atol=1e-4
    )


def test_a_block_gives_the_same_last_and_in_passing(early: EarlyBlocks) -> None:
    pcm = voiced(2.0)

    as_last = early.hear(pcm, (1,)).pooled[-512:]
    in_passing = early.hear(pcm, (0, 1, 2)).pooled[512:1024]

    assert np.allclose(as_last, in_passing, atol=1e-3)


def test_pieces_are_heard_as_windows_are_but_with_every_step(
    early: EarlyBlocks,
) -> None:
    pcm = voiced(2.0)

    one, other = early.steps([pcm, pcm[::-1].copy()], (1, 2))

    pooled = one[find_speech(pcm).mask].mean(dim=0)
    assert one.shape == other.shape == (len(pcm) // STEP_SAMPLES, 2 * 512)
    assert np.allclose(pooled[512:], early.hear(pcm, (2,)).pooled[512:], atol=1e-4)
    assert not torch.equal(one, other)


def test_the_same_window_gives_the_same_reading(reader: EncoderVoiceReader) -> None:
    window = CustomerWindow(voiced(2.5), 0)

    assert reader.read(window) == reader.read(window)


@pytest.mark.parametrize("duration_s", [0.1, 1.0, 1.7, 3.0, 5.0, 30.0])
def test_windows_of_any_live_length_are_read(
    reader: EncoderVoiceReader, duration_s: float
) -> None:
    reading = reader.read(CustomerWindow(voiced(duration_s), 0))

    assert 0.0 <= reading.anger <= 1.0


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_a_window_in_which_nobody_is_heard_is_not_angry(
    reader: EncoderVoiceReader, level: float
) -> None:
    noise = np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)

    reading = reader.read(CustomerWindow(noise * np.float32(level), 0))

    assert reading.anger == 0.0
    assert reading.level_dbfs < -70


@pytest.mark.parametrize("duration_s", [0.0, 0.05, 30.5])
def test_a_window_too_short_or_too_long_is_refused(
    reader: EncoderVoiceReader, duration_s: float
) -> None:
    window = CustomerWindow(np.zeros(round(duration_s * RATE), np.float32), 0)

    with pytest.raises(InferenceError, match=r"must last 0\.1 to 30"):
        reader.read(window)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(
    reader: EncoderVoiceReader, bad: float
) -> None:
    pcm = voiced(1.0)
    pcm[100] = bad

    with pytest.raises(InferenceError, match="not finite"):
        reader.read(CustomerWindow(pcm, 0))


def test_a_head_for_another_encoder_is_refused(encoder: AudioEncoder) -> None:
    head = load_head(PERMISSIVE)
    other = replace(head, card=replace(head.card, encoder="0" * 16))

    with pytest.raises(WeightsError, match="belong to the encoder 0000"):
        EncoderVoiceReader(encoder, other)


def test_a_missing_head_says_the_repair(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="reinstall"):
        load_voice_reader(tmp_path / "none.npz")


def test_frames_of_the_agent_cannot_become_something_to_read() -> None:
    silence = np.zeros(FRAME_SAMPLES, np.float32)

    with pytest.raises(PartyError):
        CustomerWindow.of([Frame(silence, 0, Party.AGENT)])


def test_speech_is_brought_to_the_nominal_level() -> None:
    pcm = voiced(2.0)

    level = find_speech(normalised(pcm, find_speech(pcm))).level_dbfs

    assert level == pytest.approx(NOMINAL_DBFS, abs=0.05)


def test_steps_far_below_the_loud_ones_are_no_speech() -> None:
    quiet = np.full(RATE, 1e-4, np.float32)

    mask = find_speech(np.concatenate([voiced(1.0), quiet])).mask

    assert mask[:50].all()
    assert not mask[50:].any()
