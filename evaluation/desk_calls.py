"""Finished calls by the thousand, made from a seed: for timings and for screens.

The words are lines that were written for the evaluation of words; the course of a
call, its alerts and its cues follow the shapes that complaints have. Nothing is
measured on them but how long the desk takes.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from alerts.events import (
    AlertClosed,
    AlertEnd,
    AlertOpened,
    CueArmed,
    CueCounting,
    CueFollowed,
    CueIgnored,
    CueReleased,
    Severity,
)
from alerts.playbook import Line, load_playbook
from audio.events import Interrupted, LongSilence, Responded, SpeechEnded, SpeechStarted
from audio.frame import Party
from emotion.events import (
    Evidence,
    HostilityPoint,
    Phase,
    PhaseChanged,
    Source,
    WordReading,
    WordSign,
)
from emotion.words import WordReader, load_word_reader
from server.events import (
    CallEnded,
    CallEndReason,
    CallStarted,
    Consent,
    Event,
    LogEntry,
    TranscriptFinal,
    WordsRead,
)

FIRST_DAY = datetime(2026, 1, 5, 8, tzinfo=UTC)
TEAMS = ("North", "South", "Retention", "华东组", "投诉组")
SUBJECTS = ("billing", "delivery", "refund", "line fault", "contract")
_DAYS = 180
_LANGUAGES = ("en", "zh")
_AGENTS = 60
_CUSTOMERS = 3000
_DATA = Path(__file__).parent / "data"
_PAUSE_S = 5.0
_AGENT_LINES = {
    "en": (
        "Good morning, thank you for calling, how can I help you?",
        "May I have your customer number, please?",
        "If I understand you correctly, the amount was taken twice.",
        "I'm sorry about that, I understand why you are upset.",
        "What I can do is refund the amount today.",
        "Is there anything else I can do for you? Thank you for calling, goodbye.",
    ),
    "zh": (
        "您好，很高兴为您服务，请问有什么可以帮您？",  # noqa: RUF001 - Chinese marks
        "请问您的客户编号是多少？",  # noqa: RUF001 - Chinese marks
        "您的意思是这笔费用被扣了两次，对吗？",  # noqa: RUF001 - Chinese marks
        "非常抱歉给您带来不便，我理解您的心情。",  # noqa: RUF001 - Chinese marks
        "我可以今天就为您办理退款。",
        "请问还有其他可以帮您的吗？感谢您的来电，再见。",  # noqa: RUF001 - Chinese marks
    ),
}
"""What agents say: a greeting, questions in the middle, a farewell at the end."""


@dataclass(frozen=True, slots=True)
class MadeCall:
    """A finished call: when it began, what about, and its whole log."""

    started: CallStarted
    began: datetime
    subject: str
    entries: tuple[LogEntry, ...]


@dataclass(slots=True)
class _Making:
    """A call that is being made."""

    rng: random.Random
    language: str
    temper: float
    readings: Mapping[str, WordReading]
    events: list[tuple[float, Event]] = field(default_factory=list)
    now_s: float = 1.0
    n_utterances: int = 0

    def add(self, at_s: float, event: Event) -> None:
        self.events.append((at_s, event))


@cache
def _lines(language: str) -> dict[bool, tuple[str, ...]]:
    """Customers' lines, those that are angry and those that are not."""
    text = (_DATA / f"service_lines.{language}.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return {
        angry: tuple(row["text"] for row in rows if (row["level"] > 0) is angry)
        for angry in (True, False)
    }


@cache
def read_lines(words: WordReader | None = None) -> Mapping[str, WordReading]:
    """Read every line of a customer, by text; that takes a minute with an encoder.

    Args:
        words: reads them; without one the shipped reader does, by the words alone.
    """
    words = words or load_word_reader()
    return {
        text: words.read(text, language, 0.0, 0.0)
        for language in _LANGUAGES
        for texts in _lines(language).values()
        for text in texts
    }


@cache
def _opening_line(language: str) -> Line:
    return load_playbook().choose(Phase.TAKE_OFF, (), None, language, ())


def made_calls(
    n_calls: int, seed: int, words: WordReader | None = None
) -> Iterator[MadeCall]:
    """Yield calls; the same seed always gives the same.

    Args:
        n_calls: how many.
        seed: decides what happens in them.
        words: reads the customers' lines, see `read_lines`.
    """
    for number in range(n_calls):
        yield made_call(random.Random(f"{seed}:{number}"), number, words)  # noqa: S311 - not for secrets


def made_call(
    rng: random.Random,
    number: int,
    words: WordReader | None = None,
    n_turns: int | None = None,
) -> MadeCall:
    """Return one call in one of the two languages.

    Args:
        rng: decides what happens in it.
        number: names it.
        words: reads the customer's lines, see `read_lines`.
        n_turns: how often both speak; by default for a few minutes.
    """
    language = rng.choice(_LANGUAGES)
    agent = rng.randrange(_AGENTS)
    began = FIRST_DAY + timedelta(seconds=rng.uniform(0, _DAYS * 86_400))
    started = CallStarted(
        call_id=f"made-{number:05}",
        agent_id=f"a{agent:02}",
        customer_ref=f"K-{rng.randrange(_CUSTOMERS):04}",
        language=language,
        parties=(Party.CUSTOMER, Party.AGENT),
        consent=Consent.GRANTED,
        started_at=began.isoformat(timespec="milliseconds"),
        models=("made",),
        team=TEAMS[agent % len(TEAMS)],
    )
    temper = rng.betavariate(1.2, 2.0)
    making = _Making(rng, language, temper, read_lines(words))
    making.add(0.0, started)
    n_turns = n_turns or rng.randint(8, 40)
    for turn in range(n_turns):
        _speak_customer(making, _heat(turn / n_turns, making.temper))
        _speak_agent(making, turn, n_turns)
    _curve(making, making.now_s)
    making.add(making.now_s, CallEnded(CallEndReason.COMPLETED, making.now_s))
    ordered = sorted(making.events, key=lambda pair: pair[0])
    return MadeCall(
        started=started,
        began=began,
        subject=rng.choice(SUBJECTS),
        entries=tuple(
            LogEntry(seq, round(at_s, 2), event)
            for seq, (at_s, event) in enumerate(ordered, 1)
        ),
    )


def _heat(share: float, temper: float) -> float:
    """How hot the customer is at a share of the call, 0 to 1: up, then down."""
    top = 0.45
    rise = share / top if share < top else (1 - share) / (1 - top)
    return temper * max(0.0, rise)


def _speak(making: _Making, party: Party, text: str) -> TranscriptFinal:
    start_s = making.now_s + making.rng.uniform(0.2, 1.2)
    end_s = start_s + max(1.0, len(text) / (14 if making.language == "en" else 5))
    making.n_utterances += 1
    said = TranscriptFinal(
        f"u{making.n_utterances}",
        party,
        round(start_s, 2),
        round(end_s, 2),
        text,
        making.language,
        0.9,
    )
    making.add(start_s, SpeechStarted(party, said.start_s))
    making.add(end_s, SpeechEnded(party, said.start_s, said.end_s))
    making.add(end_s + 0.5, said)
    making.now_s = end_s
    return said


def _speak_customer(making: _Making, heat: float) -> None:
    angry = making.rng.random() < heat * 1.3
    text = making.rng.choice(_lines(making.language)[angry])
    said = _speak(making, Party.CUSTOMER, text)
    reading = replace(making.readings[text], start_s=said.start_s, end_s=said.end_s)
    making.add(said.end_s + 0.5, WordsRead(said.utterance_id, reading))
    if making.rng.random() < heat * 0.2:
        making.add(said.start_s, Interrupted(Party.CUSTOMER, said.start_s))
    signs = {hit.sign for hit in reading.hits}
    for sign, severity in (
        (WordSign.THIRD_PARTY_THREAT, Severity.CRITICAL),
        (WordSign.PUBLIC_THREAT, Severity.WARNING),
        (WordSign.CHURN, Severity.NOTICE),
    ):
        if sign in signs:
            _alert(making, sign, severity, said.end_s + 0.5)


def _alert(making: _Making, rule: str, severity: Severity, at_s: float) -> None:
    number = sum(isinstance(event, AlertOpened) for _, event in making.events) + 1
    evidence = (Evidence(Source.WORDS, rule, 20.0, 1.0, at_s - 3.0, at_s),)
    making.add(at_s, AlertOpened(f"a{number}", rule, severity, at_s, evidence))
    making.add(at_s + 20, AlertClosed(f"a{number}", AlertEnd.CALMED, at_s + 20))


def _speak_agent(making: _Making, turn: int, n_turns: int) -> None:
    rng = making.rng
    heat = _heat(turn / n_turns, making.temper)
    latency_s = rng.uniform(0.3, 1.5)
    if heat > 0.5 and rng.random() < 0.3:  # noqa: PLR2004 - a shape, not a threshold of ours
        latency_s = _cue(making)
    elif rng.random() < 0.02:  # noqa: PLR2004 - likewise
        latency_s = rng.uniform(9, 20)
        making.add(making.now_s + 8, LongSilence(making.now_s))
    elif rng.random() < 0.05:  # noqa: PLR2004 - likewise
        making.add(making.now_s, Interrupted(Party.AGENT, making.now_s))
    making.now_s += latency_s
    responded = Responded(Party.AGENT, round(latency_s, 2), making.now_s)
    making.add(making.now_s, responded)
    lines = _AGENT_LINES[making.language]
    middle = rng.choice(lines[1:-1])
    text = lines[0] if turn == 0 else lines[-1] if turn == n_turns - 1 else middle
    _speak(making, Party.AGENT, text)


def _cue(making: _Making) -> float:
    """Add a cue; return how long the agent waited."""
    number = sum(isinstance(event, CueArmed) for _, event in making.events) + 1
    cue_id, end_s = f"c{number}", making.now_s
    making.add(end_s - 2, CueArmed(cue_id, end_s - 2, 0.7))
    making.add(end_s, CueCounting(cue_id, end_s, end_s + _PAUSE_S))
    if making.rng.random() < 0.4:  # noqa: PLR2004 - a shape, not a threshold of ours
        waited_s = making.rng.uniform(0.4, 4.0)
        at_s = end_s + waited_s
        making.add(at_s, CueIgnored(cue_id, at_s, waited_s))
        return waited_s
    line = _opening_line(making.language)
    at_s = end_s + _PAUSE_S
    released = CueReleased(cue_id, at_s, line.line_id, line.text, line.language)
    making.add(at_s, released)
    making.add(at_s + 0.8, CueFollowed(cue_id, at_s + 0.8, _PAUSE_S + 0.8))
    return _PAUSE_S + 0.8


def _curve(making: _Making, duration_s: float) -> None:
    phase = Phase.RATIONAL
    risen = False
    hostile = False
    for second in range(1, int(duration_s)):
        heat = _heat(second / duration_s, making.temper)
        wave = making.rng.gauss(0, 3)
        score = round(min(100.0, max(0.0, 100 * heat + wave)), 1)
        after = _phase(100 * heat, 2 * second < duration_s * 0.9, risen)
        risen = risen or after in (Phase.TAKE_OFF, Phase.PEAK)
        at_s = float(second)
        if after is not phase:
            making.add(at_s, PhaseChanged(at_s, phase, after, score))
            phase = after
        evidence = (
            (Evidence(Source.VOICE, "voice_anger", score / 2, heat, at_s - 2, at_s),)
            if score > 20  # noqa: PLR2004 - little is said of a calm customer
            else ()
        )
        low, high = max(0.0, score - 8), min(100.0, score + 8)
        making.add(at_s, HostilityPoint(at_s, score, low, high, phase, evidence))
        if score >= 50 and not hostile:  # noqa: PLR2004 - the rule's own level
            hostile = True
            _alert(making, "hostility", Severity.WARNING, at_s)


_BOUNDS: Sequence[tuple[float, Phase, Phase]] = (
    (60.0, Phase.PEAK, Phase.PEAK),
    (30.0, Phase.TAKE_OFF, Phase.SLOW_DOWN),
    (12.0, Phase.RATIONAL, Phase.COOL_DOWN),
)


def _phase(score: float, rising: bool, risen: bool) -> Phase:  # noqa: FBT001 - two facts of one curve
    for bound, up, down in _BOUNDS:
        if score >= bound:
            return up if rising else down
    return Phase.PROBLEM_SOLVING if risen else Phase.RATIONAL
