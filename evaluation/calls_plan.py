"""Who says what, how, and in which order, in a call whose course is known.

A plan is drawn by chance from labelled recordings and written scripts; the same seed
draws the same plan. What it sounds like is made by `calls_audio`.
"""

import itertools
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import soundfile

from audio.frame import Party
from models.errors import DataError
from models.manifest import read_manifest
from models.voice_corpus import COLUMNS, emotion_of

FITTED_ON = ("nemo", "ravdess")
"""Corpora of which one half of the speakers fitted the parameters of the curve."""

LANGUAGES = ("en", "zh")

WORDS_PER_S = 2.7
CHARACTERS_PER_S = 4.5
"""How fast a script is spoken, English in words and Chinese in characters (adopted)."""


class Mood(StrEnum):
    """How the customer is in a stretch of a call."""

    CALM = "calm"
    IRRITATED = "irritated"
    ANGRY = "angry"
    CALMING = "calming"
    HAPPY = "happy"
    SURPRISED = "surprised"
    SAD = "sad"
    FRIGHTENED = "frightened"


class Kind(StrEnum):
    """What a call is an example of.

    The first three escalate: by the voice over calm words, by the words in a calm
    voice, by both. In the others the customer is never hostile.
    """

    VOICE = "voice"
    WORDS = "words"
    BOTH = "both"
    CALM = "calm"
    HAPPY = "happy"
    SURPRISE = "surprise"
    SAD = "sad"
    FEAR = "fear"
    AGENT_ANGRY = "agent_angry"


ESCALATING = (Kind.VOICE, Kind.WORDS, Kind.BOTH)

SHARES: Mapping[Kind, int] = {
    Kind.VOICE: 50,
    Kind.WORDS: 24,
    Kind.BOTH: 12,
    Kind.CALM: 34,
    Kind.HAPPY: 34,
    Kind.SURPRISE: 16,
    Kind.SAD: 16,
    Kind.FEAR: 16,
    Kind.AGENT_ANGRY: 18,
}
"""How many calls of each kind there are in every 220."""

_MOOD_OF = {
    Kind.HAPPY: Mood.HAPPY,
    Kind.SURPRISE: Mood.SURPRISED,
    Kind.SAD: Mood.SAD,
    Kind.FEAR: Mood.FRIGHTENED,
}

_EMOTIONS = {
    Mood.CALM: ("neutral", "calm"),
    Mood.CALMING: ("calm", "neutral"),
    Mood.HAPPY: ("happiness",),
    Mood.SURPRISED: ("surprise",),
    Mood.SAD: ("sadness",),
    Mood.FRIGHTENED: ("fear",),
}


class Half(Enum):
    """Which speakers and scripts are used: those that fit, or those that report."""

    FIT = auto()
    REPORT = auto()


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of the data set."""

    path: Path
    speaker: str
    emotion: str
    intensity: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What one party says before the other one does.

    Attributes:
        party: who speaks.
        mood: how the customer is; calm for the agent.
        clips: recordings that are heard one after the other.
        text: what speech recognition is made to write; empty: nothing.
        gap_s: silence before it; below zero it begins while the other still speaks.
    """

    party: Party
    mood: Mood
    clips: tuple[Clip, ...]
    text: str
    gap_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A call before it is heard.

    Attributes:
        seed: decides what is left to chance in its sound.
    """

    kind: Kind
    language: str
    turns: tuple[Turn, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One line of a call that escalates in words."""

    mood: Mood
    text: str


@dataclass(frozen=True, slots=True)
class Texts:
    """What is said in one language, beside what is acted."""

    scripts: tuple[tuple[ScriptLine, ...], ...]
    customer: tuple[str, ...]
    agent: tuple[str, ...]


@cache
def load_texts(language: str) -> Texts:
    """Read the scripts and the calm lines of one language."""
    file = files("evaluation") / "data" / f"call_scripts.{language}.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    scripts = [
        tuple(ScriptLine(Mood(line["mood"]), line["text"]) for line in row["lines"])
        for row in rows
        if row["kind"] == "script"
    ]
    fillers = {
        party: tuple(row["text"] for row in rows if row.get("party") == party)
        for party in ("customer", "agent")
    }
    return Texts(tuple(scripts), fillers["customer"], fillers["agent"])


class Voices:
    """The recordings of every speaker, by what was acted."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        self._clips: dict[str, list[Clip]] = defaultdict(list)
        for clip in clips:
            self._clips[clip.speaker].append(clip)

    @property
    def speakers(self) -> list[str]:
        """Everybody, in alphabetical order."""
        return sorted(self._clips)

    @property
    def labels(self) -> list[str]:
        """What was acted by anybody, in alphabetical order."""
        return sorted({clip.emotion for of in self._clips.values() for clip in of})

    def acting(self, speaker: str, mood: Mood) -> list[Clip]:
        """Recordings of a speaker that sound like a mood.

        Angry is anger, without the weaker one where intensities are labelled;
        irritated is the weaker anger, and disgust.
        """
        clips = self._clips[speaker]
        anger = [clip for clip in clips if clip.emotion == "anger"]
        strong = [clip for clip in anger if clip.intensity == "strong"]
        if mood is Mood.ANGRY:
            return strong or anger
        if mood is Mood.IRRITATED:
            weak = [clip for clip in anger if strong and clip not in strong]
            return weak + [clip for clip in clips if clip.emotion == "disgust"]
        return [clip for clip in clips if clip.emotion in _EMOTIONS[mood]]

    def able(self, *moods: Mood) -> list[str]:
        """Speakers of whom there are recordings of all these moods."""
        return [
            speaker
            for speaker in self.speakers
            if all(self.acting(speaker, mood) for mood in moods)
        ]


def load_voices(
    folder: Path,
    half: Half,
    seed: int,
    without: Sequence[str],
    halved: Sequence[str] | None = FITTED_ON,
) -> Voices:
    """Read the manifest and keep the speakers that are to be heard.

    Speakers of the corpora that the parameters were fitted on are split in halves
    by chance; of any other corpus all are used for either half.

    Args:
        folder: holds `manifest.csv`; where it does not say how long a recording is,
            the file does.
        half: which half of the speakers.
        seed: of the split.
        without: corpora that are left out: those the models were trained on.
        halved: corpora whose speakers are split; None: every one, to fit on them.

    Raises:
        DataError: the manifest or a column is missing, or nobody is left.
    """
    clips: dict[str, list[Clip]] = defaultdict(list)
    left_out = {corpus.lower() for corpus in without}
    for row in read_manifest(folder, COLUMNS):
        corpus = row["corpus"].strip().lower()
        if corpus not in left_out:
            clips[corpus].append(_clip(folder, corpus, row))
    kept: list[Clip] = []
    for corpus, of_corpus in sorted(clips.items()):
        if halved is None or corpus in halved:
            chosen = _chosen(of_corpus, half, seed)
            kept += [clip for clip in of_corpus if clip.speaker in chosen]
        else:
            kept += of_corpus
    voices = Voices(kept)
    if len(voices.speakers) < 2:  # noqa: PLR2004 - a call has two parties
        raise DataError(
            "calls need at least two speakers of corpora that the voice weights "
            f"were not trained on ({', '.join(without)}); found {len(voices.speakers)}"
        )
    return voices


def _clip(folder: Path, corpus: str, row: dict[str, str]) -> Clip:
    return Clip(
        folder / row["path"],
        # Speaker 1 of one corpus is not speaker 1 of another.
        f"{corpus}/{row['speaker']}",
        emotion_of(row),
        row.get("intensity", "").strip().lower(),
        _length_s(folder, row),
    )


def _length_s(folder: Path, row: dict[str, str]) -> float:
    """Return how long a recording is, by the manifest or else by the file.

    Raises:
        DataError: the manifest has no number above 0, or the file is no recording.
    """
    written = row.get("duration_s", "").strip()
    try:
        length_s = (
            float(written) if written else soundfile.info(folder / row["path"]).duration
        )
    except ValueError:
        length_s = math.nan
    except soundfile.LibsndfileError as error:
        raise DataError(f"{row['path']} cannot be read as audio: {error}") from error
    if not 0 < length_s < math.inf:
        raise DataError(
            f"{row['path']}: expected duration_s in seconds, above 0, or nothing, got "
            f"{written or length_s}"
        )
    return length_s


def _chosen(clips: Sequence[Clip], half: Half, seed: int) -> set[str]:
    speakers = sorted({clip.speaker for clip in clips})
    # The seed of the split alone: calls may be drawn anew, the halves stay apart.
    np.random.default_rng([seed, len(speakers)]).shuffle(speakers)
    middle = len(speakers) // 2
    return set(speakers[:middle] if half is Half.FIT else speakers[middle:])


def make_plans(voices: Voices, half: Half, n_calls: int, seed: int) -> list[Plan]:
    """Draw the plans of all calls.

    Kinds for which no speaker has the recordings are left out.

    Raises:
        DataError: nobody can be a customer of any kind.
    """
    plans = []
    for kind, n in _shared_out(n_calls).items():
        for number in range(n):
            draw = np.random.default_rng([seed, list(Kind).index(kind), number])
            planner = _Planner(voices, half, draw)
            customers = planner.customers(kind)
            # In one order for all calls of the kind: everybody is as often heard.
            np.random.default_rng(seed).shuffle(customers)
            if customers:
                customer = customers[number % len(customers)]
                language = LANGUAGES[number % len(LANGUAGES)]
                plans.append(planner.plan(kind, customer, language))
    if not plans:
        raise DataError(
            f"no call can be made of {n_calls}: customers and agents are two speakers "
            "with recordings labelled neutral or calm, beside anger, happiness, "
            f"surprise, sadness or fear; the labels are {', '.join(voices.labels)}"
        )
    return plans


def _shared_out(n_calls: int) -> dict[Kind, int]:
    """Share calls out over the kinds; whole numbers that sum up."""
    total = sum(SHARES.values())
    edges = [0, *itertools.accumulate(SHARES.values())]
    rounded = [round(edge * n_calls / total) for edge in edges]
    counts = (after - before for before, after in itertools.pairwise(rounded))
    return dict(zip(SHARES, counts, strict=True))


class _Planner:
    """Draws one plan."""

    def __init__(self, voices: Voices, half: Half, draw: np.random.Generator) -> None:
        self._voices = voices
        self._half = half
        self._draw = draw

    def customers(self, kind: Kind) -> list[str]:
        """Who can be the customer of such a call."""
        agents = self._voices.able(self._mood_of_agent(kind))
        if kind in (Kind.VOICE, Kind.BOTH):
            able = self._voices.able(Mood.CALM, Mood.ANGRY)
        elif kind in _MOOD_OF:
            able = self._voices.able(Mood.CALM, _MOOD_OF[kind])
        else:
            able = self._voices.able(Mood.CALM)
        return [one for one in able if any(agent != one for agent in agents)]

    @staticmethod
    def _mood_of_agent(kind: Kind) -> Mood:
        return Mood.ANGRY if kind is Kind.AGENT_ANGRY else Mood.CALM

    def plan(self, kind: Kind, customer: str, language: str) -> Plan:
        """Draw a call of a kind with a customer."""
        mood = self._mood_of_agent(kind)
        agents = [one for one in self._voices.able(mood) if one != customer]
        agent = str(self._draw.choice(agents))
        says = self._clips_of(agent, mood)
        speech = self._speech(kind, customer, language)
        turns: list[Turn] = []
        lines = load_texts(language).agent
        for mood_now, clips, text in speech:
            answer = _lasting(says, float(self._draw.uniform(1.0, 3.5)))
            line = str(self._draw.choice(lines))
            turns.append(Turn(Party.AGENT, Mood.CALM, answer, line, self._gap_s(0.0)))
            interrupts = 0.3 if mood_now is Mood.ANGRY else 0.05
            turns.append(
                Turn(Party.CUSTOMER, mood_now, clips, text, self._gap_s(interrupts))
            )
        return Plan(kind, language, tuple(turns), int(self._draw.integers(2**31)))

    def _gap_s(self, p_overlap: float) -> float:
        if self._draw.random() < p_overlap:
            return -float(self._draw.uniform(0.4, 1.2))
        return float(self._draw.uniform(0.3, 1.5))

    def _speech(
        self, kind: Kind, customer: str, language: str
    ) -> Iterator[tuple[Mood, tuple[Clip, ...], str]]:
        """Yield mood, recordings and words of every turn of the customer."""
        acted: dict[Mood, Iterator[Clip]] = {}
        for mood, text in self._course(kind, customer, language):
            voice = Mood.CALM if kind is Kind.WORDS else mood
            if not self._voices.acting(customer, voice):
                voice = Mood.CALM
            if voice not in acted:
                acted[voice] = self._clips_of(customer, voice)
            least_s = _duration_s(text, language)
            if kind not in (Kind.WORDS, Kind.BOTH):
                least_s = max(least_s, float(self._draw.uniform(2.5, 6.0)))
            yield mood, _lasting(acted[voice], least_s), text

    def _course(
        self, kind: Kind, customer: str, language: str
    ) -> Iterator[tuple[Mood, str]]:
        """Yield the mood and the words of every turn of the customer."""
        texts = load_texts(language)
        mine = slice(0 if self._half is Half.FIT else 1, None, 2)
        if kind in (Kind.WORDS, Kind.BOTH):
            scripts = texts.scripts[mine]
            for line in scripts[int(self._draw.integers(len(scripts)))]:
                yield line.mood, line.text
            return
        moods = self._moods(kind, customer)
        fillers = self._draw.permutation(texts.customer[mine])
        yield from zip(moods, map(str, itertools.cycle(fillers)), strict=False)

    def _moods(self, kind: Kind, customer: str) -> list[Mood]:
        if kind is Kind.VOICE:
            rounds = 2 if self._draw.random() < 0.25 else 1  # noqa: PLR2004 - a quarter
            return [mood for _ in range(rounds) for mood in self._escalation(customer)]
        if kind in _MOOD_OF:
            opening = [Mood.CALM] * int(self._draw.choice([0, 2]))
            return opening + [_MOOD_OF[kind]] * int(self._draw.integers(6, 8))
        return [Mood.CALM] * int(self._draw.integers(7, 10))

    def _escalation(self, customer: str) -> list[Mood]:
        calm = [Mood.CALM] * int(self._draw.integers(2, 4))
        irritated = [Mood.IRRITATED] * int(self._draw.integers(1, 3))
        if not self._voices.acting(customer, Mood.IRRITATED):
            irritated = []
        angry = [Mood.ANGRY] * int(self._draw.integers(3, 5))
        return calm + irritated + angry + [Mood.CALMING] * 4

    def _clips_of(self, speaker: str, mood: Mood) -> Iterator[Clip]:
        """Yield a speaker's recordings for ever, all of them before one comes again."""
        clips = self._voices.acting(speaker, mood)
        while True:
            yield from (clips[at] for at in self._draw.permutation(len(clips)))


def _duration_s(text: str, language: str) -> float:
    if language == "zh":
        return len(text) / CHARACTERS_PER_S
    return len(text.split()) / WORDS_PER_S


def _lasting(clips: Iterator[Clip], least_s: float) -> tuple[Clip, ...]:
    """Take recordings until they last long enough."""
    taken = [next(clips)]
    while sum(_speech_s(clip) for clip in taken) < least_s:
        taken.append(next(clips))
    return tuple(taken)


def _speech_s(clip: Clip) -> float:
    """Roughly how much of a recording is left when its silences are cut off."""
    return 0.7 * clip.duration_s
