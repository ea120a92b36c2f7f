"""What became of a hard call: who was heard as whom, and what music was taken for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from audio.speakers import Turn
from evaluation.report import Figure

Span = tuple[float, float]
"""Start and end, in seconds."""


def outcome_figures(
    prefix: str, truth: Sequence[Turn], found: Sequence[Turn], music: Sequence[Span]
) -> Iterator[Figure]:
    """Yield what a listener of the call would notice.

    Args:
        prefix: of the figures' names.
        truth: who speaks when.
        found: who was heard when.
        music: where music plays and nobody speaks.
    """
    spoken_s: defaultdict[str, float] = defaultdict(float)
    for turn in truth:
        spoken_s[turn.speaker] += turn.end_s - turn.start_s
    together_s = _together_s(truth, found)
    by_length = sorted(spoken_s, key=lambda name: -spoken_s[name])
    for place, speaker in enumerate(by_length):
        named = _label_of(speaker, together_s)
        others = {_label_of(one, together_s) for one in by_length if one != speaker}
        wrong_s = sum(
            seconds
            for (who, label), seconds in together_s.items()
            if who == speaker and label != named
        )
        name = f"{prefix}voice{place + 1}"
        yield Figure(f"{name}_own_label", float(named not in {*others, ""}), "ratio")
        share = 100 * wrong_s / spoken_s[speaker]
        yield Figure(f"{name}_under_another", share, "%")
    if music:
        played_s = sum(end_s - start_s for start_s, end_s in music)
        heard_s = sum(
            _overlap_s(span, (turn.start_s, turn.end_s))
            for span in music
            for turn in found
        )
        share = 100 * min(heard_s / played_s, 1.0)
        yield Figure(f"{prefix}music_as_speech", share, "%")


def _together_s(
    truth: Sequence[Turn], found: Sequence[Turn]
) -> Mapping[tuple[str, str], float]:
    together_s: defaultdict[tuple[str, str], float] = defaultdict(float)
    for one in truth:
        for other in found:
            shared_s = _overlap_s(
                (one.start_s, one.end_s), (other.start_s, other.end_s)
            )
            if shared_s > 0:
                together_s[one.speaker, other.speaker] += shared_s
    return together_s


def _label_of(speaker: str, together_s: Mapping[tuple[str, str], float]) -> str:
    """Return the label under which a speaker is heard most; empty for none."""
    labels = {label: s for (who, label), s in together_s.items() if who == speaker}
    return max(labels, key=lambda label: labels[label], default="")


def _overlap_s(one: Span, other: Span) -> float:
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
