"""What who speaks when is measured on: recordings with the truth about them.

Recordings with RTTM, calls on two channels mixed to one, and calls made up of speakers
that the segmentation model never heard.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from audio.frame import RATE
from audio.speakers import Turn
from evaluation.diarisation_baseline import speech_of
from evaluation.diarisation_hard import hard_calls
from evaluation.diarisation_mixtures import MixtureParams, simulate
from evaluation.diarisation_outcomes import Span
from evaluation.diarisation_voices import RATE as LINE_RATE
from evaluation.diarisation_voices import STEP_S, read_voices
from models.errors import DataError
from models.voice_audio import read_mono
from server.mono_call import PARTIES

_AUDIO = (".flac", ".wav", ".ogg", ".opus", ".mp3")
_ROLES = {party.value for party in PARTIES}
_RTTM_FIELDS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A recording and the truth about it.

    Attributes:
        kind: ``data``, ``two_channel``, ``simulated``, or which hard kind.
        name: of the recording.
        pcm: float32, mono at 16 kHz.
        truth: who speaks when.
        music: where music plays, as far as that is known.
    """

    kind: str
    name: str
    pcm: NDArray[np.float32]
    truth: tuple[Turn, ...]
    music: tuple[Span, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.pcm) / RATE

    @property
    def n_speakers(self) -> int:
        """How many speak."""
        return len({turn.speaker for turn in self.truth})

    @property
    def knows_roles(self) -> bool:
        """Whether the truth names the customer and the agent."""
        return {turn.speaker for turn in self.truth} >= _ROLES


def recordings(folder: Path) -> Iterator[Case]:
    """Yield the recordings of a folder that its RTTM files speak of.

    Raises:
        DataError: there is no RTTM, or a line or a recording is missing or broken.
    """
    audio = {path.stem: path for path in _audio_in(folder)}
    truth: dict[str, list[Turn]] = {}
    for rttm in sorted(folder.glob("*.rttm")):
        for uri, turn in read_rttm(rttm):
            truth.setdefault(uri, []).append(turn)
    if not truth:
        raise DataError(f"expected recordings and *.rttm with turns in {folder}")
    for uri, turns in sorted(truth.items()):
        if uri not in audio:
            raise DataError(
                f"the RTTM speaks of {uri}, of which there is no audio in {folder}; "
                f"expected {uri} with one of {', '.join(_AUDIO)}"
            )
        pcm = read_mono(audio[uri])
        heard = [turn for turn in turns if turn.start_s < len(pcm) / RATE]
        if not heard:
            raise DataError(
                f"every turn of {uri} begins after its end at {len(pcm) / RATE:.1f} s"
            )
        yield Case("data", uri, pcm, tuple(sorted(heard)))


def _audio_in(folder: Path) -> list[Path]:
    """Return the audio of a folder; of one name, the last is the first of `_AUDIO`.

    Raises:
        DataError: there is no such folder.
    """
    if not folder.is_dir():
        raise DataError(f"expected a folder with recordings, got {folder}")
    found = [path for path in folder.iterdir() if path.suffix.lower() in _AUDIO]
    return sorted(
        found, key=lambda path: (path.stem, -_AUDIO.index(path.suffix.lower()))
    )


def mixed(folder: Path) -> Iterator[Case]:
    """Yield the two-channel calls of a folder as one channel, with the truth.

    Who speaks when is what Silero hears on each channel.

    Raises:
        DataError: there are none, or one cannot be read.
    """
    n_mixed = 0
    for path in _audio_in(folder):
        try:
            pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            raise DataError(f"{path.name} cannot be read as audio: {error}") from error
        if pcm.shape[1] != len(PARTIES):
            continue
        legs = [soxr.resample(leg, rate, RATE).astype(np.float32) for leg in pcm.T]
        truth = [
            Turn(start_s, end_s, party.value)
            for party, leg in zip(PARTIES, legs, strict=True)
            for start_s, end_s in speech_of(leg)
        ]
        if not truth:
            raise DataError(f"nobody is heard on either channel of {path.name}")
        both = ((legs[0] + legs[1]) / 2).astype(np.float32)
        yield Case("two_channel", path.stem, both, tuple(sorted(truth)))
        n_mixed += 1
    if not n_mixed:
        raise DataError(f"expected calls on two channels in {folder}")


def read_rttm(path: Path) -> Iterator[tuple[str, Turn]]:
    """Yield the recording's name and the turn of each line.

    Speakers named customer and agent, in any case, are these parties.

    Raises:
        DataError: a line is not RTTM.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read as RTTM: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0] != "SPEAKER":
            continue
        try:
            start_s, length_s = float(words[3]), float(words[4])
            name = words[_RTTM_FIELDS - 1]
            speaker = name.lower() if name.lower() in _ROLES else name
            turn = Turn(start_s, start_s + length_s, speaker)
        except (IndexError, ValueError) as error:
            raise DataError(f"{path.name}, line {number}: not RTTM") from error
        if not (0 <= start_s < math.inf and 0 <= length_s < math.inf):
            raise DataError(
                f"{path.name}, line {number}: expected a start and a length in "
                f"seconds, got {words[3]} and {words[4]}"
            )
        if length_s:
            yield words[1], turn


def simulated(
    folder: Path,
    heard: frozenset[str],
    params: MixtureParams,
    n_calls: int,
    seed: int,
) -> Iterator[Case]:
    """Yield made-up calls, as many for each corpus, of speakers never trained on.

    Raises:
        DataError: no corpus has two such speakers.
    """
    unheard = [voice for voice in read_voices(folder) if voice.speaker not in heard]
    corpora = sorted({voice.corpus for voice in unheard})
    params = replace(params, same_corpus=1.0)
    n_made = 0
    for corpus in corpora:
        voices = tuple(voice for voice in unheard if voice.corpus == corpus)
        if len(voices) < 2:  # noqa: PLR2004  # a call has two parties
            continue
        for index in range(n_calls):
            key = [seed, index, *corpus.encode()]
            call = simulate(voices, params, np.random.default_rng(key))
            pcm = soxr.resample(call.pcm, LINE_RATE, RATE).astype(np.float32)
            yield Case("simulated", f"{corpus}{index}", pcm, tuple(call.turns()))
            n_made += 1
    if not n_made:
        raise DataError(f"no corpus in {folder} has two speakers not trained on")


def hard(folder: Path, heard: frozenset[str], seed: int) -> Iterator[Case]:
    """Yield a call of each hard kind, of speakers never trained on.

    Raises:
        DataError: there are too few such speakers.
    """
    unheard = [voice for voice in read_voices(folder) if voice.speaker not in heard]
    for name, call in hard_calls(unheard, seed):
        pcm = soxr.resample(call.pcm, LINE_RATE, RATE).astype(np.float32)
        music = tuple((start * STEP_S, end * STEP_S) for start, end in call.music)
        yield Case(name, name, pcm, tuple(call.turns()), music)
