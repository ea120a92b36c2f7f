"""The second back end: CTranslate2, the engine of faster-whisper, in eight bits.

It decodes what our encoder heard. Its own encoder takes short speech too, but has no
memory of silence beside it, and twice as many words were wrong (docs/evaluation.md).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from models.decoded import Decoded
from models.errors import WeightsError
from models.openai_whisper import file_name
from models.packed_linear import Precision
from models.transcription import Task
from models.whisper_encoder import CutEncoder
from models.whisper_tokens import WhisperTokens
from models.whisper_weights import BASE, DEFAULT, canonical, load_whisper

GRID_STEPS = 700
"""Features are filled up with silence to 14 s: a batch needs one length, and no
utterance of a call is longer. Measured: docs/evaluation.md, Capacity."""

_Features = NDArray[np.float32]


class FasterWhisper:
    """A `Recogniser` on CTranslate2. Thread-safe: it keeps nothing between calls.

    Args:
        model: ``whisper-base``, or the folder of a Whisper model in CTranslate2's
            layout: ``model.bin``, ``config.json``, a vocabulary.
        languages: ISO 639-1 codes to choose from where none is asked for.
        device: ``cpu``, or a GPU as torch calls it: ``cuda``, ``cuda:1``.
        precision: ``int8``, or as the first back end has it.
        threads: processor threads for one batch.
        workers: batches that are decoded at once.

    Raises:
        WeightsError: the weights are missing or corrupted; the message says the repair.
        ValueError: the model does not know one of the languages, or the device does
            not have the precision.
    """

    def __init__(  # each is a setting
        self,
        model: str = DEFAULT,
        languages: Sequence[str] = ("en", "zh"),
        device: str = "cpu",
        precision: str = "int8",
        threads: int = 1,
        workers: int = 1,
    ) -> None:
        folder = model_folder(model)
        kind, _, index = device.partition(":")
        whisper = load_whisper(model, device)
        heard_in = Precision(precision).for_many_rows(kind)
        self._encoder = CutEncoder(whisper, heard_in)
        self._model = ctranslate2.models.Whisper(
            str(folder),
            device=kind,
            device_index=int(index or 0),
            compute_type=precision,
            intra_threads=threads,
            inter_threads=workers,
        )
        self._tokens = WhisperTokens(
            languages, whisper.num_languages if whisper.is_multilingual else 0
        )
        # Neither what is no text nor any special token; the end is one too, but needed.
        after_end = range(self._tokens.end + 1, whisper.dims.n_vocab)
        self._never = [*self._tokens.never, *after_end]
        self.languages = tuple(languages)
        self.max_samples = self._encoder.max_samples
        self.name = f"{file_name(model)} ({heard_in}, CTranslate2 {precision})"

    def check_language(self, language: str) -> None:
        """Raise `ValueError` when the model does not know the language."""
        self._tokens.prompt(language)

    def recognise(self, tasks: Sequence[Task], *, padded: bool) -> list[Decoded]:
        """Find the words of several utterances."""
        groups: dict[tuple[int, int], list[int]] = {}
        features: list[_Features] = []
        for index, task in enumerate(tasks):
            heard = (
                self._encoder.encode_padded(task.pcm)
                if padded
                else self._encoder.encode(task.pcm, GRID_STEPS)
            )
            features.append(heard.float().cpu().numpy())
            # What reaches its limit is done again padded, and counts as it is then.
            limit = task.limit if padded else 0
            groups.setdefault((heard.shape[1], limit), []).append(index)
        found: dict[int, Decoded] = {}
        for members in groups.values():
            together = np.concatenate([features[index] for index in members])
            decoded = self._decode(together, [tasks[index] for index in members])
            found.update(zip(members, decoded, strict=True))
        return [found[index] for index in range(len(tasks))]

    def _decode(self, features: _Features, tasks: Sequence[Task]) -> list[Decoded]:
        """Decode features of one length, ``(n, steps, state)``."""
        asked = [task.language for task in tasks]
        limit = max(task.limit for task in tasks)
        view = ctranslate2.StorageView.from_array(np.ascontiguousarray(features))
        chosen = self._choose(view, asked)
        prompts = [
            [self._tokens.start, *self._tokens.prompt(one.language)] for one in chosen
        ]
        results = self._model.generate(
            view,
            prompts,
            beam_size=1,
            max_length=len(prompts[0]) + limit,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=self._never,
        )
        return [
            self._read(one, result, task.limit)
            for one, result, task in zip(chosen, results, tasks, strict=True)
        ]

    def _choose(
        self, view: ctranslate2.StorageView, asked: Sequence[str | None]
    ) -> list[Decoded]:
        """Nothing but the language of each: the one asked for or the most probable."""
        empty = [Decoded("", (), one or "", 1.0, 0.0, 0.0, ended=True) for one in asked]
        choices = self._tokens.languages
        if len(choices) == 1:
            only = next(iter(choices))
            return [replace(one, language=one.language or only) for one in empty]
        if None not in asked:
            return empty
        detected = self._model.detect_language(view)
        return [
            one if one.language else _most_probable(one, dict(found), choices)
            for one, found in zip(empty, detected, strict=True)
        ]

    def _read(
        self,
        chosen: Decoded,
        result: "ctranslate2.models.WhisperGenerationResult",
        limit: int,
    ) -> Decoded:
        tokens = tuple(result.sequences_ids[0])
        # The score is the sum over text and end, divided by the length of the text.
        total = result.scores[0] * len(tokens)
        return replace(
            chosen,
            text=self._tokens.text_of(tokens),
            tokens=tokens,
            mean_logprob=total / (len(tokens) + 1),
            no_speech_probability=result.no_speech_prob,
            ended=len(tokens) < limit,
        )


def _most_probable(
    one: Decoded, found: dict[str, float], choices: Iterable[str]
) -> Decoded:
    weights = {code: found.get(f"<|{code}|>", 0.0) for code in choices}
    best = max(weights, key=lambda code: weights[code])
    total = sum(weights.values())
    probability = weights[best] / total if total else 1 / len(weights)
    return replace(one, language=best, language_probability=probability)


def model_folder(model: str = DEFAULT) -> Path:
    """Return the verified folder of a model in CTranslate2's layout.

    Raises:
        WeightsError: it is missing or corrupted; the message says the repair.
    """
    name = canonical(model)
    if name == DEFAULT:
        return BASE.folder()
    folder = Path(name)
    if not (folder / "model.bin").is_file():
        raise WeightsError(
            f"faster-whisper has no model {folder.name!r}: expected {DEFAULT!r}, or "
            "the path of a folder with model.bin, config.json and a vocabulary"
        )
    return folder
