"""Whether numbers are covered whose text nobody gave: it was recognised.

What is said goes the way of an imported call: a telephone line of two channels, voice
activity, our own Whisper, the log, what `server.trust` finds in it, and the recording
as it may be heard. What differs there from the recording is covered.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from audio.frame import Party
from server.events import CallStarted, Consent, TranscriptFinal
from server.factory import CallFactory
from server.offline import analyse
from server.recording import open_recording
from server.trust.redacted_audio import RedactedRecordings

LINE_RATE = 8_000
_PARTIES = (Party.CUSTOMER, Party.AGENT)
_LEAD_S, _TAIL_S = 1.0, 2.0
_QUIET = 0.01
_PAUSE_S = 0.08
"""A voice that is quiet for so long pauses between two groups of figures."""

_LONGER_S = 1.5
"""So long pauses somebody who reads a number off a card; a segment ends meanwhile."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What became of one number.

    Attributes:
        share: of the time in which it sounds that is covered.
        extra_s: what is covered besides.
        texts: what was written down, utterance by utterance.
    """

    share: float
    extra_s: float
    texts: tuple[str, ...]


def with_pauses(pcm: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Make the pauses between groups of figures as long as people's who read them."""
    loud = np.flatnonzero(np.abs(pcm) > _QUIET)
    gaps = np.flatnonzero(np.diff(loud) > _PAUSE_S * rate)
    more = np.zeros(round(_LONGER_S * rate), np.float32)
    pieces: list[NDArray[np.float32]] = []
    start = 0
    for gap in gaps:
        middle = int(loud[gap] + loud[gap + 1]) // 2
        pieces += [pcm[start:middle], more]
        start = middle
    return np.concatenate([*pieces, pcm[start:]])


def recognise(
    before: Sequence[NDArray[np.float32]],
    number: NDArray[np.float32],
    after: Sequence[NDArray[np.float32]],
    rate: int,
    language: str,
    factory: CallFactory,
) -> Recognised:
    """Have a number said on the line, and see what of it may be heard.

    Args:
        before: what is said before it; mono.
        number: itself, from its first to its last sound.
        after: what is said after it.
        rate: of all of these, in Hz.
        language: of the call.
        factory: makes it.
    """
    start_s = _LEAD_S + sum(len(pcm) for pcm in before) / rate
    end_s = start_s + len(number) / rate
    lead = np.zeros(round(_LEAD_S * rate), np.float32)
    tail = np.zeros(round(_TAIL_S * rate), np.float32)
    said = np.concatenate([lead, *before, number, *after, tail])
    narrow = np.clip(soxr.resample(said, rate, LINE_RATE), -1.0, 1.0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "call.flac"
        line = np.stack([narrow, np.zeros_like(narrow)], axis=1)
        soundfile.write(path, line, LINE_RATE, subtype="PCM_16")
        started = CallStarted(
            "call", "", "", language, _PARTIES, Consent.TEXT_ONLY, "", ()
        )
        log = list(analyse(open_recording(path), started, factory, lambda _: None))
        times = factory.models.word_times
        shown = RedactedRecordings(folder, folder / "shown", times)
        covered = _covered(path, shown.covered("call", log) or path)
    inside = np.zeros(len(covered), bool)
    inside[round(start_s * LINE_RATE) : round(end_s * LINE_RATE)] = True
    sounding = np.zeros(len(covered), bool)
    loud = start_s + np.flatnonzero(np.abs(number) > _QUIET) / rate
    sounding[np.minimum((loud * LINE_RATE).astype(int), len(covered) - 1)] = True
    texts = [e.event.text for e in log if isinstance(e.event, TranscriptFinal)]
    return Recognised(
        float(covered[sounding].mean()),
        float(covered[~inside].sum()) / LINE_RATE,
        tuple(texts),
    )


def _covered(original: Path, shown: Path) -> NDArray[np.bool_]:
    """Samples that the tone replaced, and few between that it passes by chance."""
    before = soundfile.read(original, dtype="int16", always_2d=True)[0]
    after = soundfile.read(shown, dtype="int16", always_2d=True)[0]
    differs: NDArray[np.bool_] = (before != after).any(axis=1)
    at = np.flatnonzero(differs)
    if len(at):
        short = np.flatnonzero(np.diff(at) < LINE_RATE // 100)
        for index in short:
            differs[at[index] : at[index + 1]] = True
    return differs
