"""What the models have answered about a file, kept until the file is taken in.

An import that is interrupted, even by the end of the process, listens to its file
again, but asks the models only what they had not answered. The book has what was
said in it: it is deleted with the file's import.
"""

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from audio.frame import CustomerWindow
from models.errors import InferenceError
from models.ports import (
    BatchTranscriber,
    Spoken,
    Transcript,
    VoiceReading,
    key_of,
)
from server.engine import Models

_WORDS = TypeAdapter(Transcript)
_VOICE = TypeAdapter(VoiceReading)


class AnswerBook(BatchTranscriber):
    """A transcriber and a voice reader that ask others, and write down what they say.

    Thread-safe. A line that was broken off is asked again.

    Args:
        path: of the book; its folder is made.
        models: who is asked; answers of others in the book count for nothing.
        turns: how many may be asking at once, in all the books that share it.
    """

    def __init__(self, path: Path, models: Models, turns: threading.Semaphore) -> None:
        self._path = path
        self._models = models
        self._turns = turns
        self._lock = threading.Lock()
        self._words: dict[str, Transcript] = {}
        self._voice: dict[str, VoiceReading] = {}
        self._asked = json.dumps(models.names)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._read()

    @property
    def models(self) -> Models:
        """The models, with the book between them and whoever asks."""
        return replace(self._models, transcriber=self, voice_reader=self)

    def transcribe_batch(
        self, utterances: Sequence[Spoken]
    ) -> list[Transcript | InferenceError]:
        """See `models.ports.Transcriber`."""
        keys = [one.key for one in utterances]
        new = [index for index, key in enumerate(keys) if key not in self._words]
        asked = [utterances[index] for index in new]
        with self._turns:
            answers = self._models.transcriber.transcribe_batch(asked)
        found = dict(zip(new, answers, strict=True))
        self._write(
            (keys[index], "words", answer)
            for index, answer in found.items()
            if isinstance(answer, Transcript)
        )
        return [
            found[index] if index in found else self._words[key]
            for index, key in enumerate(keys)
        ]

    def read(self, window: CustomerWindow) -> VoiceReading:
        """See `models.ports.VoiceReader`.

        Raises:
            InferenceError: the model could not run on this input.
        """
        key = key_of(window.pcm, str(window.start))
        if key not in self._voice:
            with self._turns:
                answer = self._models.voice_reader.read(window)
            self._write([(key, "voice", answer)])
        return self._voice[key]

    def _write(
        self, answers: Iterable[tuple[str, str, Transcript | VoiceReading]]
    ) -> None:
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            for key, kind, answer in answers:
                line = {"key": key, "kind": kind, "models": self._asked}
                file.write(json.dumps(line | {"answer": asdict(answer)}) + "\n")
                if isinstance(answer, Transcript):
                    self._words[key] = answer
                else:
                    self._voice[key] = answer

    def _read(self) -> None:
        if not self._path.is_file():
            return
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                kept: dict[str, Any] = json.loads(line)
                if kept["models"] != self._asked:
                    continue
                if kept["kind"] == "words":
                    self._words[kept["key"]] = _WORDS.validate_python(kept["answer"])
                else:
                    self._voice[kept["key"]] = _VOICE.validate_python(kept["answer"])
            except (ValueError, KeyError, ValidationError):
                continue
