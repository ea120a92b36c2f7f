"""The first back end: openai-whisper's model, run our way."""

from collections.abc import Sequence

from models.decoded import Decoded
from models.packed_linear import Precision
from models.transcription import Task
from models.whisper_decoder import Encoded, GreedyDecoder
from models.whisper_encoder import CutEncoder
from models.whisper_weights import DEFAULT, canonical, load_whisper


class OpenAIWhisper:
    """A `Recogniser` on openai-whisper. Thread-safe: it keeps nothing between calls.

    The model is loaded when this is made (a few seconds, once per process), and
    shared with whoever else asks `load_whisper` for it. Utterances are encoded one
    after the other, which costs no more than together on a processor
    (docs/evaluation.md), and decoded together.

    Args:
        model: ``whisper-base``, an openai-whisper name, or the path of a checkpoint.
        languages: ISO 639-1 codes to choose from where none is asked for.
        device: ``cpu``, or a GPU as torch calls it: ``cuda``.
        precision: what matrices are multiplied in.

    Raises:
        WeightsError: the weights are missing or corrupted; the message says the repair.
        ValueError: the model does not know one of the languages.
    """

    def __init__(
        self,
        model: str = DEFAULT,
        languages: Sequence[str] = ("en", "zh"),
        device: str = "cpu",
        precision: Precision = Precision.FLOAT32,
    ) -> None:
        whisper = load_whisper(model, device)
        self._decoder = GreedyDecoder(whisper, languages, precision)
        self._encoder = CutEncoder(whisper, precision.for_many_rows(device))
        self.languages = tuple(languages)
        self.max_samples = self._encoder.max_samples
        self.name = f"{file_name(model)} ({precision})"

    def check_language(self, language: str) -> None:
        """Raise `ValueError` when the model does not know the language."""
        self._decoder.tokens.prompt(language)

    def recognise(self, tasks: Sequence[Task], *, padded: bool) -> list[Decoded]:
        """Find the words of several utterances."""
        encode = self._encoder.encode_padded if padded else self._encoder.encode
        return self._decoder.decode_batch(
            [Encoded(encode(task.pcm), task.language, task.limit) for task in tasks]
        )


def file_name(model: str) -> str:
    """A model's name for the log: a path may tell whose machine this is."""
    return canonical(model).replace("\\", "/").rpartition("/")[2]
