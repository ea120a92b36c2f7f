"""A call's log without what must not be shown. Pure.

Redaction is on the way out only: what is stored stays as it was said, so that a
finder that gets better later finds more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from audio.frame import Party
from server.events import LogEntry, Note, Partial, TranscriptFinal
from server.trust.redaction import (
    find_in_utterances,
    find_unfinished,
    masked,
    redacted,
)
from server.trust.spans import Span

_IN_A_ROW_S = 20.0
"""A party that says nothing for longer begins anew: no number goes over that."""

_LIVE_UTTERANCES = 40
"""Of a live call, how far back is looked for the beginning of a number."""

COVERED_KINDS = (TranscriptFinal.__name__, Note.__name__)
"""Kinds of entries with words in them; redaction changes no other, and needs none."""

Spans = Mapping[str, tuple[Span, ...]]
"""What must not be shown, by utterance id."""


def hidden_spans(entries: Sequence[LogEntry]) -> Spans:
    """What must not be shown of a log."""
    found: dict[str, tuple[Span, ...]] = {}
    for row in _rows(
        [e.event for e in entries if isinstance(e.event, TranscriptFinal)]
    ):
        spans = find_in_utterances([utterance.text for utterance in row])
        for utterance, its in zip(row, spans, strict=True):
            if its:
                found[utterance.utterance_id] = its
    return found


def redacted_entries(entries: Sequence[LogEntry]) -> list[LogEntry]:
    """A whole log as it may be shown; every index into a text stays right."""
    spans = hidden_spans(entries)
    return [_covered(entry, spans) for entry in entries]


def redacted_live(
    news: Sequence[LogEntry], so_far: Sequence[LogEntry]
) -> list[LogEntry]:
    """Likewise for what has just happened in a live call.

    Args:
        news: the entries to show.
        so_far: the call's log up to them.
    """
    if not any(isinstance(entry.event, TranscriptFinal | Note) for entry in news):
        return list(news)
    said = [entry for entry in so_far if isinstance(entry.event, TranscriptFinal)]
    spans = dict(hidden_spans(said[-max(_LIVE_UTTERANCES, len(news)) :]))
    for entry in news:
        event = entry.event
        if isinstance(event, TranscriptFinal):
            covered = masked(event.text, spans.get(event.utterance_id, ()))
            unfinished = find_unfinished(covered)
            spans[event.utterance_id] = (
                *spans.get(event.utterance_id, ()),
                *unfinished,
            )
    return [_covered(entry, spans) for entry in news]


def redacted_partial(partial: Partial) -> Partial:
    """The words so far of an utterance, as they may be shown."""
    return replace(partial, text=masked(partial.text, find_unfinished(partial.text)))


def _covered(entry: LogEntry, spans: Spans) -> LogEntry:
    match entry.event:
        case TranscriptFinal(utterance_id=utterance_id, text=text) as said:
            its = spans.get(utterance_id, ())
            return (
                replace(entry, event=replace(said, text=masked(text, its)))
                if its
                else entry
            )
        case Note(text=text) as note:
            return replace(entry, event=replace(note, text=redacted(text)))
        case _:
            return entry


def _rows(utterances: Sequence[TranscriptFinal]) -> Iterator[list[TranscriptFinal]]:
    """What each party said in a row, whatever the other said in between."""
    for party in Party:
        row: list[TranscriptFinal] = []
        for utterance in utterances:
            if utterance.party is not party:
                continue
            apart_s = utterance.start_s - row[-1].end_s if row else 0.0
            # A call that is listened to again begins again.
            if row and (apart_s > _IN_A_ROW_S or utterance.start_s < row[-1].start_s):
                yield row
                row = []
            row.append(utterance)
        if row:
            yield row
