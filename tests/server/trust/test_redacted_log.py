from collections.abc import Sequence

import pytest

from audio.frame import Party
from server.events import Event, LogEntry, Note, Partial, TranscriptFinal
from server.trust.redacted_log import (
    redacted_entries,
    redacted_live,
    redacted_partial,
)

pytestmark = pytest.mark.unit


def said(number: int, party: Party, start_s: float, text: str) -> TranscriptFinal:
    utterance_id = f"u{number}"
    return TranscriptFinal(utterance_id, party, start_s, start_s + 2, text, "en", 0.9)


def log(*events: Event) -> list[LogEntry]:
    return [LogEntry(seq, float(seq), event) for seq, event in enumerate(events, 1)]


def texts(entries: Sequence[LogEntry]) -> list[str]:
    return [
        entry.event.text
        for entry in entries
        if isinstance(entry.event, TranscriptFinal | Note)
    ]


CUSTOMER, AGENT = Party.CUSTOMER, Party.AGENT


def test_a_number_is_followed_through_what_the_other_says_in_between() -> None:
    entries = log(
        said(1, CUSTOMER, 0, "4111 1111"),
        said(2, AGENT, 2, "mm-hm"),
        said(3, CUSTOMER, 4, "1111 1111"),
    )

    assert texts(redacted_entries(entries)) == ["•••••••••", "mm-hm", "•••••••••"]


def test_numbers_long_apart_are_not_one() -> None:
    entries = log(said(1, CUSTOMER, 0, "4111 1111"), said(2, CUSTOMER, 40, "1111 1111"))

    assert redacted_entries(entries) == entries


def test_a_note_is_covered_too_and_all_else_stays() -> None:
    entries = log(Note("call them on 138 0013 8000", "Mia"), said(1, AGENT, 1, "hello"))

    covered = redacted_entries(entries)

    assert texts(covered) == ["call them on •••••••••••••", "hello"]
    assert covered[1] == entries[1]


def test_a_live_screen_never_sees_the_second_half_of_a_number() -> None:
    entries = log(
        said(1, CUSTOMER, 0, "it is 4111"),
        said(2, CUSTOMER, 2, "1111"),
        said(3, CUSTOMER, 4, "1111 1111"),
    )

    shown = [
        texts(redacted_live(entries[n : n + 1], entries[: n + 1])) for n in range(3)
    ]

    assert shown[2] == ["•••••••••"]
    assert texts(redacted_entries(entries)) == ["it is ••••", "••••", "•••••••••"]


def test_unfinished_words_are_covered() -> None:
    partial = Partial(CUSTOMER, 1.0, "my card is 4111 1111 11")

    assert redacted_partial(partial).text == "my card is ••••••••••••"
