"""Recordings with a tone over what must not be heard.

The log has times for utterances, not for words. When a recording is first covered,
`WordTimes` hears in it when a number was said. Where it cannot, that is estimated:
every sign of the text takes the time that saying it takes (a figure as long as a short
word), and the stretch is widened further. All channels are covered: each line carries
an echo of the other.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from audio.frame import RATE, Party
from models.errors import InferenceError
from models.ports import WordTime, WordTimes
from server.events import CallStarted, LogEntry, TranscriptFinal
from server.trust.redacted_log import hidden_spans
from server.trust.spans import Span

_BLOCK_FRAMES = 1 << 16
_TONE_HZ = 1000.0
_TONE_LEVEL = 0.06
"""-24 dBFS: clearly a tone, and no louder than speech."""

_MARGIN_S = 0.5
_MARGIN_SHARE = 0.1
"""Widening on each side: a fixed part, and a share of the utterance's length."""

_BEFORE_S, _AFTER_S = 0.3, 0.75
"""Widening where words were heard: a word is heard to end before it does. Measured:
docs/evaluation.md."""

_MOST_S = 30.0
"""Longer utterances are not listened to for their words."""

_EDGE_S = 0.3
"""How far over the utterance's own edges; the endpointer may have cut a sound."""

_REMEMBERED = 256
"""Calls whose covered recording is known without a look at the log."""

_FIGURE, _HAN, _LETTER, _OTHER = 4.0, 3.0, 1.0, 0.5
"""Time that a sign takes, in letters."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a recording, in seconds of call time."""

    start_s: float
    end_s: float


def hidden_stretches(entries: Sequence[LogEntry]) -> list[Stretch]:
    """What must not be heard of a call, in order and without overlaps."""
    spans = hidden_spans(entries)
    found = [
        stretch_of(entry.event, span)
        for entry in entries
        if isinstance(entry.event, TranscriptFinal)
        for span in spans.get(entry.event.utterance_id, ())
    ]
    return _merged(found)


def stretch_of(utterance: TranscriptFinal, span: Span) -> Stretch:
    """When in its utterance a span was said, on the safe side."""
    weights = [_weight(sign) for sign in utterance.text]
    total = sum(weights) or 1.0
    length_s = utterance.end_s - utterance.start_s
    margin_s = _MARGIN_S + _MARGIN_SHARE * length_s
    start_s = utterance.start_s + length_s * sum(weights[: span.start]) / total
    end_s = utterance.start_s + length_s * sum(weights[: span.end]) / total
    return Stretch(
        max(start_s - margin_s, utterance.start_s - _EDGE_S, 0.0),
        min(end_s + margin_s, utterance.end_s + _EDGE_S),
    )


def heard_stretch(
    utterance: TranscriptFinal, span: Span, words: Sequence[WordTime]
) -> Stretch | None:
    """When a span was said, by the words that were heard; None: that is not known.

    What stands at the end of an utterance reaches to its end, and likewise at its
    beginning: a tone there costs nothing, and the last sound is the hardest to hear.
    """
    its = [word for word in words if word.start < span.end and word.end > span.start]
    if not its or its[0].start > span.start or its[-1].end < span.end:
        return None
    start_s = utterance.start_s + its[0].start_s - _BEFORE_S
    end_s = utterance.start_s + its[-1].end_s + _AFTER_S
    if not any(sign.isalnum() for sign in utterance.text[: span.start]):
        start_s = utterance.start_s - _EDGE_S
    if not any(sign.isalnum() for sign in utterance.text[span.end :]):
        end_s = utterance.end_s + _EDGE_S
    if end_s - start_s <= _BEFORE_S + _AFTER_S:
        return None  # Nothing is said in no time.
    return Stretch(
        max(start_s, utterance.start_s - _EDGE_S, 0.0),
        min(end_s, utterance.end_s + _EDGE_S),
    )


def _weight(sign: str) -> float:
    if sign.isdigit():
        return _FIGURE
    if not sign.isalpha():
        return _OTHER
    return _LETTER if sign.isascii() else _HAN


def _merged(stretches: Sequence[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda it: it.start_s):
        if merged and stretch.start_s <= merged[-1].end_s:
            last = merged[-1]
            merged[-1] = Stretch(last.start_s, max(last.end_s, stretch.end_s))
        else:
            merged.append(stretch)
    return merged


class RedactedRecordings:
    """Recordings as they may be heard; made when first asked for, then kept.

    Args:
        recordings: the folder of the recordings.
        folder: where the covered copies are kept; may be emptied at any time.
        words: hears when words were said; None: that is estimated.
    """

    def __init__(
        self, recordings: Path, folder: Path, words: WordTimes | None = None
    ) -> None:
        self._recordings = recordings
        self._folder = folder
        self._words = words
        self._known: OrderedDict[tuple[str, int], Path] = OrderedDict()

    def known(self, call_id: str, seq: int) -> Path | None:
        """What `covered` gave for a log of `seq` entries, if that is still there."""
        path = self._known.get((call_id, seq))
        return path if path is not None and path.is_file() else None

    def original(self, call_id: str) -> Path | None:
        """The recording as it was made, None when there is none."""
        path = self._recordings / f"{call_id}.flac"
        return path if path.is_file() else None

    def covered(self, call_id: str, entries: Sequence[LogEntry]) -> Path | None:
        """The file that may be heard, None when there is no recording. Blocking.

        Args:
            call_id: of a call that is over.
            entries: its whole log.
        """
        original = self.original(call_id)
        if original is None:
            return None
        path = self._covered(original, call_id, entries)
        if entries:
            self._known[call_id, entries[-1].seq] = path
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return path

    def _covered(
        self, original: Path, call_id: str, entries: Sequence[LogEntry]
    ) -> Path:
        stretches = hidden_stretches(entries)
        if not stretches:
            return original
        kept = repr((stretches, self._words is not None, _AFTER_S))
        digest = hashlib.sha256(kept.encode()).hexdigest()[:16]
        covered = self._folder / f"{call_id}.{digest}.flac"
        if not covered.is_file():
            self._folder.mkdir(parents=True, exist_ok=True)
            self.remove(call_id)
            if self._words is not None:
                stretches = _heard_stretches(original, entries, self._words)
            write_covered(original, covered, stretches)
        return covered

    def remove(self, call_id: str) -> None:
        """Remove the copies of a call."""
        for path in self._folder.glob(f"{call_id}.*.flac*"):
            path.unlink(missing_ok=True)


def _heard_stretches(
    recording: Path, entries: Sequence[LogEntry], words: WordTimes
) -> list[Stretch]:
    """What must not be heard, by listening to the utterances with something in it."""
    spans = hidden_spans(entries)
    started = next((e.event for e in entries if isinstance(e.event, CallStarted)), None)
    parties = started.parties if started is not None else ()
    found: list[Stretch] = []
    with soundfile.SoundFile(recording) as file:
        for entry in entries:
            said = entry.event
            if not isinstance(said, TranscriptFinal):
                continue
            its = spans.get(said.utterance_id, ())
            located = _located(file, said, parties, words) if its else ()
            found += [
                heard_stretch(said, span, located) or stretch_of(said, span)
                for span in its
            ]
    return _merged(found)


def _located(
    file: soundfile.SoundFile,
    said: TranscriptFinal,
    parties: Sequence[Party],
    words: WordTimes,
) -> Sequence[WordTime]:
    """Hear when each word was said; nothing where that cannot be done."""
    if said.end_s - said.start_s > _MOST_S:
        return ()
    rate = file.samplerate
    file.seek(min(file.frames, round(said.start_s * rate)))
    length = round((said.end_s - said.start_s) * rate)
    pcm = file.read(length, "float32", always_2d=True)
    channel = 0
    if len(parties) == pcm.shape[1] and said.party in parties:
        channel = parties.index(said.party)
    mono = soxr.resample(pcm[:, channel], rate, RATE).astype(np.float32)
    try:
        return words.locate(mono, said.text, said.language)
    except InferenceError:
        return ()


def write_covered(source: Path, target: Path, stretches: Sequence[Stretch]) -> None:
    """Write a recording with a tone over its stretches; whole or not at all."""
    partial = target.with_suffix(".flac.part")
    with soundfile.SoundFile(source) as original:
        rate = original.samplerate
        with soundfile.SoundFile(
            partial,
            "w",
            samplerate=rate,
            channels=original.channels,
            format="FLAC",
            subtype="PCM_16",
        ) as covered:
            for start, block in _blocks(original):
                for stretch in stretches:
                    _cover(block, start, stretch, rate)
                covered.write(block)
    partial.replace(target)


def _blocks(
    original: soundfile.SoundFile,
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    start = 0
    while len(block := original.read(_BLOCK_FRAMES, "float32", always_2d=True)):
        yield start, block
        start += len(block)


def _cover(block: NDArray[np.float32], start: int, stretch: Stretch, rate: int) -> None:
    """Put a tone in place of what a block holds of a stretch."""
    first = max(int(stretch.start_s * rate) - start, 0)
    last = min(int(np.ceil(stretch.end_s * rate)) - start, len(block))
    if first < last:
        times = np.arange(start + first, start + last) / rate
        tone = _TONE_LEVEL * np.sin(2 * np.pi * _TONE_HZ * times)
        block[first:last] = tone.astype(np.float32)[:, None]
