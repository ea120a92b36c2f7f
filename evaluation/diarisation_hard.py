"""Calls in which it is hard to tell who speaks: made up, seeded, one of each kind."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from evaluation.diarisation_mixtures import Mixture, MixtureParams, simulate
from evaluation.diarisation_voices import STEP_S, STEP_SAMPLES, Voice
from models.errors import DataError

_CALL = MixtureParams(duration_s=90.0, alone=0.0, third=0.0, same_corpus=1.0)
_WORDS_S = 1.2
"""About as long as three words take."""

_LONG_CALL_S = 300.0


def hard_calls(voices: Sequence[Voice], seed: int) -> Iterator[tuple[str, Mixture]]:
    """Yield each hard call with its name.

    Args:
        voices: those to draw from, with their gender.
        seed: decides everything that is left to chance.

    Raises:
        DataError: there are too few voices of one sex.
    """
    for name, make in _MAKERS.items():
        draw = np.random.default_rng([seed, *name.encode()])
        yield name, make(tuple(voices), draw)


def _shouting(voices: tuple[Voice, ...], draw: np.random.Generator) -> Mixture:
    """Two of one sex who shout over each other for half of the call."""
    gender = str(draw.choice(["F", "M"]))
    alike = tuple(voice for voice in voices if voice.gender == gender)
    if len({voice.speaker for voice in alike}) < 2:  # noqa: PLR2004  # two speak
        raise DataError(f"expected two speakers of gender {gender} in the manifest")
    params = replace(_CALL, shouting=0.5, overlapping=0.5, levels_dbfs=(-24.0, -18.0))
    return simulate(alike, params, draw)


def _three_words(voices: tuple[Voice, ...], draw: np.random.Generator) -> Mixture:
    """Somebody talks for five minutes, and somebody else says three words."""
    talker, other = _two(voices, draw)
    params = replace(_CALL, duration_s=_LONG_CALL_S, alone=1.0)
    call = simulate((talker,), params, draw)
    said = other.utterances[0]
    length = min(round(_WORDS_S / STEP_S), len(said.speech))
    at = len(call.speech[0]) // 2
    pcm, speech = call.pcm.copy(), np.zeros_like(call.speech[0])
    span = slice(at * STEP_SAMPLES, (at + length) * STEP_SAMPLES)
    pcm[span] = said.pcm[: length * STEP_SAMPLES]
    talked = call.speech[0].copy()
    talked[at : at + length] = False
    speech[at : at + length] = said.speech[:length]
    speakers = (*call.speakers, f"s1-{other.speaker}")
    return Mixture(pcm, np.array([talked, speech]), speakers)


def _music(voices: tuple[Voice, ...], draw: np.random.Generator) -> Mixture:
    """Every second pause is long, and music plays in it."""
    params = replace(_CALL, long_silence=0.5, longest_silence_s=12.0, music=1.0)
    return simulate(voices, params, draw)


def _transfer(voices: tuple[Voice, ...], draw: np.random.Generator) -> Mixture:
    """A third person comes into the call."""
    return simulate(voices, replace(_CALL, third=1.0), draw)


def _two(voices: tuple[Voice, ...], draw: np.random.Generator) -> tuple[Voice, Voice]:
    first = voices[int(draw.integers(len(voices)))]
    others = [
        voice
        for voice in voices
        if voice.corpus == first.corpus and voice.speaker != first.speaker
    ]
    if not others:
        raise DataError(f"expected two speakers of {first.corpus} in the manifest")
    return first, others[int(draw.integers(len(others)))]


_MAKERS: Mapping[str, Callable[[tuple[Voice, ...], np.random.Generator], Mixture]] = {
    "shouting": _shouting,
    "three_words": _three_words,
    "music": _music,
    "transfer": _transfer,
}
