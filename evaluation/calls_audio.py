"""A planned call as a telephone line delivers it, and when what was said in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from audio.codec import AudioFormat, Encoding, encode
from audio.frame import RATE, Party
from evaluation.calls_plan import Mood, Plan, Turn
from models.voice_audio import LINE_RATE, read_mono, trimmed
from models.voice_features import NOMINAL_DBFS, find_speech, normalised

PARTIES = (Party.CUSTOMER, Party.AGENT)
LINE = AudioFormat(Encoding.MULAW, LINE_RATE, len(PARTIES))

_LEAD_S = 0.5
_END_S = 2.0


@dataclass(frozen=True, slots=True)
class LineQuality:
    """What the line does to a call; each range is drawn from once for each call.

    Attributes:
        level_db: how far a party may be from the nominal level, either way.
        turn_level_db: how far a turn may be from its party's level, either way.
        least_snr_db: loudest noise, below the party's speech.
        most_snr_db: faintest noise.
        least_leak_db: loudest cross-talk, below the other party's speech.
        most_leak_db: faintest cross-talk.
        least_pause_s: shortest silence between two recordings of one turn.
        most_pause_s: longest.
    """

    level_db: float = 5.0
    turn_level_db: float = 3.0
    least_snr_db: float = 12.0
    most_snr_db: float = 35.0
    least_leak_db: float = 25.0
    most_leak_db: float = 45.0
    least_pause_s: float = 0.1
    most_pause_s: float = 0.4


@dataclass(frozen=True, slots=True)
class Utterance:
    """A turn that was heard; times are seconds of call time."""

    party: Party
    mood: Mood
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A call to listen to.

    Attributes:
        mulaw: 8 kHz mu-law, the customer's and the agent's samples in turn.
        utterances: of both parties, in the order of their starts.
        duration_s: length of the call.
    """

    mulaw: bytes
    utterances: tuple[Utterance, ...]
    duration_s: float


def render(plan: Plan, quality: LineQuality) -> Rendered:
    """Make a planned call sound.

    Every recording is trimmed to its speech and brought to one level first, because
    acted anger is louder than acted calm by more than any line lets through.

    Raises:
        DataError: a recording cannot be read.
    """
    draw = np.random.default_rng(plan.seed)
    placed, utterances, end = _placed(plan.turns, quality, draw)
    clean = np.zeros((end + round(_END_S * LINE_RATE), len(PARTIES)), np.float32)
    for channel, start, pcm in placed:
        clean[start : start + len(pcm), channel] += pcm
    lines = np.stack(
        [_line(clean, channel, quality, draw) for channel in range(len(PARTIES))],
        axis=1,
    )
    mulaw = encode(np.clip(lines, -1.0, 1.0), LINE)
    return Rendered(mulaw, tuple(utterances), len(lines) / LINE_RATE)


_Placed = tuple[int, int, NDArray[np.float32]]


def _placed(
    turns: Sequence[Turn], quality: LineQuality, draw: np.random.Generator
) -> tuple[list[_Placed], list[Utterance], int]:
    """Lay the turns one behind the other."""
    level_db = draw.uniform(-quality.level_db, quality.level_db, len(PARTIES))
    placed: list[_Placed] = []
    utterances = []
    end = round(_LEAD_S * LINE_RATE)
    for turn in turns:
        channel = PARTIES.index(turn.party)
        turn_db = draw.uniform(-quality.turn_level_db, quality.turn_level_db)
        gain = np.float32(10 ** ((level_db[channel] + turn_db) / 20))
        start = at = max(0, end + round(turn.gap_s * LINE_RATE))
        for number, clip in enumerate(turn.clips):
            if number:
                pause_s = draw.uniform(quality.least_pause_s, quality.most_pause_s)
                at += round(pause_s * LINE_RATE)
            pcm = _narrow(clip.path) * gain
            placed.append((channel, at, pcm))
            at += len(pcm)
        # A turn that begins in another's end may even end before it.
        end = max(end, at)
        utterances.append(
            Utterance(
                turn.party, turn.mood, start / LINE_RATE, at / LINE_RATE, turn.text
            )
        )
    return placed, utterances, end


@lru_cache(maxsize=4096)
def _narrow(path: Path) -> NDArray[np.float32]:
    """Speech of a recording at the line's rate and the nominal level."""
    pcm = trimmed(read_mono(path))
    pcm = normalised(pcm, find_speech(pcm))
    narrow: NDArray[np.float32] = soxr.resample(pcm, RATE, LINE_RATE)
    return narrow


def _line(
    clean: NDArray[np.float32],
    channel: int,
    quality: LineQuality,
    draw: np.random.Generator,
) -> NDArray[np.float32]:
    """One party's speech with the other's cross-talk and the noise of a room."""
    leak_db = draw.uniform(quality.least_leak_db, quality.most_leak_db)
    delay = int(draw.integers(0, LINE_RATE // 10))
    leak = np.roll(clean[:, 1 - channel], delay) * np.float32(10 ** (-leak_db / 20))
    snr_db = draw.uniform(quality.least_snr_db, quality.most_snr_db)
    noise = _noise(len(clean), draw) * 10 ** ((NOMINAL_DBFS - snr_db) / 20)
    mixed: NDArray[np.float32] = (clean[:, channel] + leak + noise).astype(np.float32)
    return mixed


def _noise(n_samples: int, draw: np.random.Generator) -> NDArray[np.float64]:
    """Noise between white and brown, of RMS 1, that swells and fades."""
    n_fft = 1 << (n_samples - 1).bit_length()  # Other lengths take seconds.
    spectrum = np.fft.rfft(draw.standard_normal(n_fft))
    hz = np.maximum(np.fft.rfftfreq(n_fft, 1 / LINE_RATE), 50)
    noise = np.fft.irfft(spectrum * hz ** -draw.uniform(0, 1), n_fft)[:n_samples]
    period_s, phase = draw.uniform(5, 20), draw.uniform(0, 2 * np.pi)
    angle = 2 * np.pi * np.arange(n_samples) / (period_s * LINE_RATE) + phase
    noise *= 10 ** (3 * np.sin(angle) / 20)
    level = float(np.sqrt(np.mean(np.square(noise))))
    return np.asarray(noise / level, np.float64)
