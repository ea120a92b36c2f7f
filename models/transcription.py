"""Words of utterances, with Whisper: what both back ends have in common."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from audio.frame import RATE
from models.chinese import tidy
from models.decoded import Decoded
from models.errors import InferenceError
from models.guard import is_invented, ran_away, token_limit, without_loop
from models.ports import BatchTranscriber, Spoken, Transcript

_SHORTEST_S = 0.1
"""Nothing shorter is a word."""

_SILENT_PEAK = 1e-3
"""-60 dBFS: audio that never gets louder holds nothing that can be understood."""

_CONFIDENCE_DIGITS = 4
"""The last bits of a matrix product depend on the machine."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: arrays do not compare
class Task:
    """An utterance for a recogniser.

    Attributes:
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz.
        language: ISO 639-1 code, or None to detect it.
        limit: most tokens of text before giving up.
    """

    pcm: NDArray[np.float32]
    language: str | None
    limit: int


class Recogniser(Protocol):
    """A back end: finds words, and leaves judging them to others. Thread-safe.

    Attributes:
        name: of the weights and the way they are run, for the log of a call.
        languages: ISO 639-1 codes to choose from where none is asked for.
        max_samples: the longest utterance, at 16 kHz.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  # see Attributes
    @property
    def languages(self) -> Sequence[str]: ...  # noqa: D102  # see Attributes
    @property
    def max_samples(self) -> int: ...  # noqa: D102  # see Attributes

    def check_language(self, language: str) -> None:
        """Raise `ValueError` when the model does not know the language."""
        ...

    def recognise(self, tasks: Sequence[Task], *, padded: bool) -> list[Decoded]:
        """Find the words of several utterances.

        Args:
            tasks: in languages that the model knows.
            padded: pad to 30 s, as the model was trained; slower.
        """
        ...


class WhisperTranscriber(BatchTranscriber):
    """A transcriber on a back end. Keeps nothing between calls.

    Attributes:
        name: name of the weights, for the log of a call.
    """

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self.name = recogniser.name

    def transcribe_batch(
        self, utterances: Sequence[Spoken]
    ) -> list[Transcript | InferenceError]:
        """Transcribe several utterances; none changes what another one's words are."""
        answers: dict[int, Transcript | InferenceError] = {}
        tasks: dict[int, Task] = {}
        for index, utterance in enumerate(utterances):
            try:
                self._check(utterance)
            except InferenceError as error:
                answers[index] = error
                continue
            if _is_silent(utterance.pcm):
                answers[index] = self._nothing(utterance.language)
            else:
                limit = token_limit(len(utterance.pcm))
                tasks[index] = Task(utterance.pcm, utterance.language, limit)
        if tasks:
            answers.update(self._recognise(tasks))
        return [answers[index] for index in range(len(utterances))]

    def _recognise(self, tasks: Mapping[int, Task]) -> dict[int, Transcript]:
        decoded = dict(
            zip(tasks, self._run(list(tasks.values()), padded=False), strict=True)
        )
        # Padded to 30 s, as it was trained, it mostly finds the end.
        again = {
            index: replace(tasks[index], language=one.language)
            for index, one in decoded.items()
            if ran_away(one)
        }
        if again:
            padded = self._run(list(again.values()), padded=True)
            for index, one in zip(again, padded, strict=True):
                sure = decoded[index].language_probability
                decoded[index] = replace(one, language_probability=sure)
        return {index: _transcript(one) for index, one in decoded.items()}

    def _run(self, tasks: Sequence[Task], *, padded: bool) -> list[Decoded]:
        return self._recogniser.recognise(tasks, padded=padded)

    def _nothing(self, language: str | None) -> Transcript:
        if language is None:
            return Transcript("", self._recogniser.languages[0], 0.0, 0.0)
        return Transcript("", language, 1.0, 0.0)

    def _check(self, utterance: Spoken) -> None:
        pcm = utterance.pcm
        if pcm.ndim != 1 or pcm.dtype != np.float32:
            raise InferenceError(
                "an utterance must be float32 with shape (n_samples,), "
                f"got {pcm.dtype} with shape {pcm.shape}"
            )
        if len(pcm) > self._recogniser.max_samples:
            raise InferenceError(
                f"an utterance has at most {self._recogniser.max_samples} samples, "
                f"got {len(pcm)}"
            )
        if not np.isfinite(pcm).all():
            raise InferenceError("an utterance must hold finite numbers only")
        if utterance.language is not None:
            try:
                self._recogniser.check_language(utterance.language)
            except ValueError as error:
                raise InferenceError(str(error)) from error


def _is_silent(pcm: NDArray[np.float32]) -> bool:
    return len(pcm) < _SHORTEST_S * RATE or bool(np.abs(pcm).max() < _SILENT_PEAK)


def _transcript(decoded: Decoded) -> Transcript:
    text = without_loop(decoded.text) if ran_away(decoded) else decoded.text
    if decoded.language == "zh":
        text = tidy(text)
    if not text or is_invented(decoded, text):
        text = ""
    confidence = round(math.exp(decoded.mean_logprob), _CONFIDENCE_DIGITS)
    return Transcript(
        text=text,
        language=decoded.language,
        language_probability=decoded.language_probability,
        confidence=confidence if text else 0.0,
    )
