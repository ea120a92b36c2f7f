"""Turn-taking in a whole call: sounds that were made, words in both languages."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from alerts.playbook import load_playbook
from audio.codec import AudioFormat, Encoding
from audio.events import Interrupted, LongSilence, Overlapped, Responded
from audio.frame import RATE, Party
from audio.framer import Framer
from emotion.events import HostilityPoint
from emotion.words import load_word_reader
from models.fake import FakeDetector
from models.ports import Transcript, VoiceReading
from server.call import Call, CallParams, Output
from server.events import CallEndReason, CallStarted, Consent, Event, LogEntry
from server.questions import TranscribeRequest, VoiceRequest

pytestmark = pytest.mark.unit

CUSTOMER, AGENT = Party.CUSTOMER, Party.AGENT
TWO = (CUSTOMER, AGENT)
WORDS = load_word_reader()
PLAYBOOK = load_playbook()


@dataclass(frozen=True)
class Said:
    """What somebody says, and when; `loud` is what the voice reader hears."""

    party: Party
    start_s: float
    end_s: float
    text: str = ""
    level_dbfs: float = -25.0
    anger: float = 0.05


def log_of(
    said: Sequence[Said], language: str, *, total_s: float = 40.0
) -> list[LogEntry]:
    pcm = np.zeros((round(total_s * RATE), 2), np.float32)
    for one in said:
        first, last = round(one.start_s * RATE), round(one.end_s * RATE)
        pcm[first:last, TWO.index(one.party)] = 0.5 if one.party is CUSTOMER else -0.5
    framer = Framer(AudioFormat(Encoding.PCM_S16LE, RATE, 2), TWO)
    started = CallStarted("c", "a", "", language, TWO, Consent.GRANTED, "", ("m",))
    call = Call(
        started, [FakeDetector(), FakeDetector()], WORDS, PLAYBOOK, CallParams()
    )
    log: list[LogEntry] = []
    todo: list[Output] = [*call.start()]
    todo += call.receive_frames([*framer.receive_pcm(pcm), *framer.flush()])
    todo += call.end(CallEndReason.COMPLETED)
    while todo:
        output = todo.pop(0)
        if isinstance(output, LogEntry):
            log.append(output)
        elif isinstance(output, TranscribeRequest):
            segment = output.segment
            text = next(
                one.text
                for one in said
                if one.party is segment.party
                and one.start_s < segment.end_s - 0.3
                and segment.start_s < one.end_s
            )
            words = Transcript(text, language, 1.0, 0.9)
            todo = [*call.receive_transcript(output.request_id, words), *todo]
        elif isinstance(output, VoiceRequest):
            end_s = output.window.end_s
            one = max(
                (s for s in said if s.party is CUSTOMER and s.start_s < end_s),
                key=lambda s: s.start_s,
            )
            reading = VoiceReading(end_s, one.anger, one.level_dbfs, "fake")
            todo = [*call.receive_voice(output.request_id, reading), *todo]
    return log


def events_of(log: list[LogEntry], kind: type[Event]) -> list[Event]:
    return [entry.event for entry in log if isinstance(entry.event, kind)]


def codes_of(log: list[LogEntry]) -> set[str]:
    return {
        evidence.code
        for entry in log
        if isinstance(entry.event, HostilityPoint)
        for evidence in entry.event.evidence
    }


@pytest.mark.parametrize(
    ("language", "text", "interrupts"),
    [
        ("en", "Mm-hm. Yeah, okay.", False),
        ("en", "", False),
        ("en", "No, stop, listen to me.", True),
        ("zh", "嗯嗯,好的好的。", False),
        ("zh", "对对对,我知道了", False),
        ("zh", "你别说了听我说", True),
    ],
)
@pytest.mark.parametrize("by", TWO)
def test_long_backchannels_are_no_interruptions(
    language: str, text: str, by: Party, *, interrupts: bool
) -> None:
    other = AGENT if by is CUSTOMER else CUSTOMER
    first = "let me read this to you" if language == "en" else "我给您念一下"
    log = log_of([Said(other, 1, 6, first), Said(by, 5.4, 6.9, text)], language)

    told = events_of(log, Interrupted)
    assert [one.by for one in told] == [by] * interrupts  # type: ignore[union-attr]  # of one kind
    assert ("customer_interrupts" in codes_of(log)) == (interrupts and by is CUSTOMER)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_overlap_latency_and_silence_are_told(language: str) -> None:
    words = "i would like to ask something" if language == "en" else "我想问一下"
    log = log_of(
        [
            Said(CUSTOMER, 1, 4, words),
            Said(AGENT, 6.5, 10, words),
            Said(CUSTOMER, 8, 9.2, words),
            Said(AGENT, 24, 26, words),
        ],
        language,
    )

    (answer, *_) = events_of(log, Responded)
    assert answer.latency_s == pytest.approx(2.5, abs=0.1)  # type: ignore[union-attr]  # of one kind
    (overlap,) = events_of(log, Overlapped)
    assert overlap.end_s - overlap.start_s == pytest.approx(1.2, abs=0.1)  # type: ignore[union-attr]  # likewise
    silences = [one.start_s for one in events_of(log, LongSilence)]  # type: ignore[union-attr]  # likewise
    assert silences == pytest.approx([10, 26], abs=0.1)
    assert events_of(log, Interrupted) == []


DEMANDS = {
    "en": (
        "i want the two hundred dollars for the broken washing machine refunded today",
        "so when do i get the money for my broken washing machine refunded",
        "could you tell me your opening hours on the weekend please",
    ),
    "zh": (
        "我要你们今天把洗衣机的两百块钱退给我",
        "那洗衣机的两百块钱到底什么时候退给我",
        "请问你们周末几点开门",
    ),
}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_same_demand_again_is_heard(language: str) -> None:
    demand, again, other = DEMANDS[language]
    first = Said(CUSTOMER, 1, 5, demand)

    assert "says_it_again" in codes_of(
        log_of([first, Said(CUSTOMER, 25, 29, again)], language)
    )
    assert "says_it_again" not in codes_of(
        log_of([first, Said(CUSTOMER, 25, 29, other)], language)
    )


CALM = {
    "en": ("i am calling about the order that i made last week with you",) * 5,
    "zh": ("我打电话是想问一下上个星期在你们这里下的单",) * 5,
}
ANGRY = {
    "en": "you are useless liars and thieves and i have had enough of you",
    "zh": "你们这帮骗子太不要脸了我真是受够了你们",
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("duration_s", "level_dbfs", "expected"),
    [
        (4.0, -25.0, set()),
        (2.2, -25.0, {"speaks_faster"}),
        (4.0, -12.0, {"voice_louder"}),
    ],
)
def test_pace_and_loudness_count_against_the_own_opening_and_with_anger_only(
    language: str, duration_s: float, level_dbfs: float, expected: set[str]
) -> None:
    opening = [
        Said(CUSTOMER, 1 + 6 * number, 5 + 6 * number, text)
        for number, text in enumerate(CALM[language])
    ]
    manner = {"speaks_faster", "voice_louder"}

    def codes(text: str, anger: float) -> set[str]:
        last = Said(CUSTOMER, 32, 32 + duration_s, text, level_dbfs, anger)
        return codes_of(log_of([*opening, last], language)) & manner

    assert codes(ANGRY[language], 0.9) == expected
    assert codes(CALM[language][0], 0.05) == set()
