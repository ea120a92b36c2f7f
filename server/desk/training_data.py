"""Corrections as training data, in the folders that the training commands read.

``words.jsonl``: a line for each utterance of a customer whose hostility was judged.
``voice/``: the customer's channel over the span, with a manifest.
``asr/``: spans whose words were corrected, with a manifest.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from audio.frame import Party
from server.desk.corrections import Correction, CorrectionKind
from server.events import CallStarted, LogEntry, TranscriptFinal

Json = str | int | float | None

_CORPUS = "corrections"
_VOICE = ("path", "corpus", "lang", "speaker", "gender", "emotion", "start_s", "end_s")
_ASR = ("path", "corpus", "lang", "speaker", "text")
_JUDGED = (CorrectionKind.NOT_HOSTILE, CorrectionKind.MISSED_HOSTILITY)


@dataclass(slots=True)
class Exported:
    """How much was written, and what could not be.

    Attributes:
        skipped: why, and how many corrections.
    """

    words: int = 0
    voice: int = 0
    asr: int = 0
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, why: str) -> None:
        """Count a correction that gives no training data."""
        self.skipped[why] = self.skipped.get(why, 0) + 1


def export_corrections(
    found: Sequence[Correction],
    entries: Callable[[str], list[LogEntry]],
    recordings: Path,
    folder: Path,
) -> Exported:
    """Write training data into `folder`.

    Args:
        found: corrections that count.
        entries: gives the log of a call.
        recordings: folder of the calls' audio.
        folder: is made; what an earlier export wrote there is replaced.
    """
    counts = Exported()
    words: list[dict[str, Json]] = []
    voice: list[dict[str, Json]] = []
    asr: list[dict[str, Json]] = []
    wrong_speaker = {
        (one.call_id, one.utterance_id): one.party
        for one in found
        if one.kind == CorrectionKind.WRONG_SPEAKER
    }
    right_words = {
        (one.call_id, one.utterance_id): one.text
        for one in found
        if one.kind == CorrectionKind.WRONG_WORDS
    }
    for one in found:
        call = _Call.of(entries(one.call_id))
        said = call.said.get(one.utterance_id)
        key = (one.call_id, one.utterance_id)
        party = wrong_speaker.get(key, said.party if said else Party.CUSTOMER)
        name = f"{one.correction_id}.wav"
        if one.kind in _JUDGED:
            if party != Party.CUSTOMER:
                # Only customers are scored, so only they are learned from.
                counts.skip("not_the_customer")
                continue
            if said is not None:
                words.append(_words_row(one, right_words.get(key, said.text), call))
            if _cut(recordings, one, call.channel(party), folder / "voice" / name):
                voice.append(_voice_row(one, name, call))
            elif said is None:
                counts.skip("no_words_and_no_audio")
        elif one.kind == CorrectionKind.WRONG_WORDS:
            if _cut(recordings, one, call.channel(party), folder / "asr" / name):
                asr.append(_asr_row(one, name, call))
            else:
                counts.skip("no_audio")
        # Who spoke changes how the others are read; it is no sample by itself.
    folder.mkdir(parents=True, exist_ok=True)
    _write_jsonl(folder / "words.jsonl", words)
    _write_manifest(folder / "voice", _VOICE, voice)
    _write_manifest(folder / "asr", _ASR, asr)
    counts.words, counts.voice, counts.asr = len(words), len(voice), len(asr)
    return counts


@dataclass(frozen=True, slots=True)
class _Call:
    started: CallStarted | None
    said: Mapping[str, TranscriptFinal]
    language: str

    @classmethod
    def of(cls, entries: Iterable[LogEntry]) -> "_Call":
        started = None
        said: dict[str, TranscriptFinal] = {}
        for entry in entries:
            match entry.event:
                case CallStarted() as event:
                    started = event
                case TranscriptFinal() as event:
                    said[event.utterance_id] = event
                case _:
                    pass
        language = (started.language if started else None) or next(
            (line.language for line in said.values()), "en"
        )
        return cls(started, said, language)

    @property
    def speaker(self) -> str:
        """The same customer is the same speaker; nobody can tell who it is."""
        assert self.started is not None  # noqa: S101 - every log begins with it
        name = self.started.customer_ref or self.started.call_id
        return hashlib.sha256(name.encode()).hexdigest()[:12]

    def channel(self, party: str) -> int | None:
        """Which channel is a party's; None where they share one."""
        parties = self.started.parties if self.started else ()
        names = [str(one) for one in parties]
        return names.index(party) if party in names else None


def _words_row(one: Correction, text: str, call: _Call) -> dict[str, Json]:
    hostile = one.kind == CorrectionKind.MISSED_HOSTILITY
    return {
        "text": text,
        "lang": call.language,
        "level": one.level if hostile else 0,
        "tier": one.tier,
        "kind": f"corrected_{one.kind}",
        "group": call.speaker,
    }


def _voice_row(one: Correction, name: str, call: _Call) -> dict[str, Json]:
    hostile = one.kind == CorrectionKind.MISSED_HOSTILITY
    return {
        "path": name,
        "corpus": _CORPUS,
        "lang": call.language,
        "speaker": call.speaker,
        "gender": "",
        "emotion": "anger" if hostile else "neutral",
        "start_s": one.start_s,
        "end_s": one.end_s,
    }


def _asr_row(one: Correction, name: str, call: _Call) -> dict[str, Json]:
    return {
        "path": name,
        "corpus": _CORPUS,
        "lang": call.language,
        "speaker": call.speaker,
        "text": one.text,
    }


def _cut(recordings: Path, one: Correction, channel: int | None, to: Path) -> bool:
    """Write one party's audio over the span; False where it cannot be told apart."""
    source = recordings / f"{one.call_id}.flac"
    if channel is None or not source.is_file():
        return False
    with soundfile.SoundFile(source) as file:
        start = min(file.frames, round(one.start_s * file.samplerate))
        file.seek(start)
        n_samples = round((one.end_s - one.start_s) * file.samplerate)
        pcm = file.read(n_samples, dtype="int16", always_2d=True)
        if not len(pcm) or channel >= pcm.shape[1]:
            return False
        to.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(to, np.ascontiguousarray(pcm[:, channel]), file.samplerate)
    return True


def _write_jsonl(path: Path, rows: Iterable[Mapping[str, Json]]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")


def _write_manifest(
    folder: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Json]]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    kept = {str(row["path"]) for row in rows}
    for old in folder.glob("*.wav"):
        if old.name not in kept:
            old.unlink()
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows)
