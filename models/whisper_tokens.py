"""Whisper's tokens: how a language is asked for, and what never is text."""

import warnings
from collections.abc import Mapping, Sequence

from whisper.tokenizer import Tokenizer, get_tokenizer


class WhisperTokens:
    """The tokens of one model. Thread-safe.

    Args:
        languages: ISO 639-1 codes to choose from where none is asked for.
        n_languages: how many the model knows; 0 where it knows English only.

    Attributes:
        start: begins every transcript.
        end: ends it.
        no_speech: stands for no speech at all.
        never: tokens that never are text.
        not_first: tokens that no text begins with.
        languages: the languages to choose from, each with its token.

    Raises:
        ValueError: no language is given, or one that the model does not know.
    """

    def __init__(self, languages: Sequence[str], n_languages: int) -> None:
        if not languages:
            raise ValueError("expected at least one language, got none")
        self._multilingual = n_languages > 0
        self._tokenizer = new_tokenizer(n_languages)
        self.start: int = self._tokenizer.sot
        self.end: int = self._tokenizer.eot
        self.no_speech: int = self._tokenizer.no_speech
        self.never: tuple[int, ...] = self._tokenizer.non_speech_tokens
        self.not_first = (*self._tokenizer.encode(" "), self.end)
        self.languages: Mapping[str, int] = {
            code: self.prompt(code)[0] for code in languages
        }

    def prompt(self, language: str) -> list[int]:
        """Tokens after `start` that ask for a transcript in a language.

        Raises:
            ValueError: the model does not know it.
        """
        ask: list[int] = []
        if self._multilingual:
            try:
                token: int = self._tokenizer.to_language_token(language)
            except KeyError as error:
                raise ValueError(f"the model knows no language {language!r}") from error
            ask = [token, self._tokenizer.transcribe]
        elif language != "en":
            raise ValueError(f"the model knows only en, got language {language!r}")
        return [*ask, self._tokenizer.no_timestamps]

    def text_of(self, tokens: Sequence[int]) -> str:
        """Return the text that tokens stand for, without space around it."""
        text: str = self._tokenizer.decode(list(tokens))
        return text.strip()


def new_tokenizer(n_languages: int, language: str = "en") -> Tokenizer:
    """Return openai-whisper's tokenizer of a model.

    Args:
        n_languages: how many the model knows; 0 where it knows English only.
        language: ISO 639-1 code.

    Raises:
        ValueError: the model does not know the language.
    """
    with warnings.catch_warnings():
        # openai-whisper leaves the file of its vocabulary to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        return get_tokenizer(
            n_languages > 0,
            num_languages=n_languages,
            language=language,
            task="transcribe",
        )
