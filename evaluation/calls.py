"""`python -m evaluation calls`: the curve and the cue on calls whose course is known.

Two-party calls are put together, by seed, from acted speech of people and corpora that
no model was trained on, and sent over a noisy 8 kHz mu-law line with cross-talk and
changing levels. The parts of the live service listen to each three times: to voice
and words, to the voice alone, to the words alone. What they say is compared with what
is known: `calls_plan` says what happens in the calls, `calls_truth` what is true.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from audio.frame import Party
from evaluation.calls_audio import LineQuality, Rendered, render
from evaluation.calls_cache import HeardCache
from evaluation.calls_plan import (
    FITTED_ON,
    Half,
    Kind,
    Plan,
    load_voices,
    make_plans,
)
from evaluation.calls_run import Heard, Listener, Signals
from evaluation.calls_score import (
    HOUR_S,
    Outcome,
    compared,
    figures_of,
    outcome_of,
)
from evaluation.calls_truth import truth_of
from evaluation.report import Figure, Report
from models.ports import Transcriber, Transcript
from models.runtime import prepare_torch
from models.speech_detection import SileroDetector
from models.voice import PERMISSIVE, load_voice_reader
from models.voice_head import load_head
from server.engine import Models
from server.factory import CallFactory

N_CALLS = 220
SPLIT_SEED = 0
"""Of the halves of speakers; never changed, or fitted ones are reported."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with manifest.csv: path, corpus, speaker, emotion, [duration_s], "
        "[intensity]",
    )
    parser.add_argument(
        "--calls",
        type=int,
        default=N_CALLS,
        metavar="N",
        help="how many calls to make (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="S",
        help="decides what happens in the calls (default: %(default)s)",
    )
    add_cache_argument(parser)


def add_cache_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option to keep what the models heard."""
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keep what the models heard in the calls here, and use it again",
    )


def run(args: argparse.Namespace) -> Report:
    """Make the calls of the reporting half and measure on them.

    Raises:
        DataError: the manifest, a column or a recording is missing or unreadable.
        WeightsError: weights are missing or corrupted.
    """
    prepare_torch(1)
    factory = load_factory()
    plans = plan_calls(args.data, Half.REPORT, args.calls, args.seed)
    outcomes: dict[Signals, list[Outcome]] = defaultdict(list)
    shares = _Shares()
    cache = HeardCache(args.cache, weights_of(factory))
    for plan in plans:
        rendered = render(plan, LineQuality())
        shares.add(plan, rendered)
        heard = cache.load(rendered)
        for signals, outcome in listen(factory, plan, rendered, heard).items():
            outcomes[signals].append(outcome)
        cache.save(rendered, heard)
    figures = [
        figure
        for signals in Signals
        for figure in figures_of(f"calls.{signals}", outcomes[signals])
    ]
    for signals in (Signals.VOICE, Signals.WORDS):
        prefix = f"calls.{signals}.cued_by_fused_too"
        figures += compared(prefix, outcomes[signals], outcomes[Signals.FUSED])
    figures += shares.figures()
    return Report("calls", args.data.resolve().name, figures, notes_on(plans))


def load_factory() -> CallFactory:
    """Put together what makes calls like the live service's, without a transcriber.

    Raises:
        WeightsError: weights are missing or corrupted.
    """
    reader = load_voice_reader()
    names = (SileroDetector.name, reader.model)
    models = Models(SileroDetector, _NoTranscriber(), reader, names)
    return CallFactory.of(models)


def weights_of(factory: CallFactory) -> tuple[str, ...]:
    """Name the weights that listen, so that what they heard can be told apart."""
    return (*factory.models.names, load_head(PERMISSIVE).card.checksum)


class _NoTranscriber(Transcriber):
    """Stands where Whisper would: the words of these calls are known."""

    def transcribe(self, _pcm: object, _language: str | None) -> Transcript:
        raise AssertionError("the words of these calls come from their scripts")


def plan_calls(
    folder: Path,
    half: Half,
    n_calls: int,
    seed: int,
    halved: Sequence[str] | None = FITTED_ON,
) -> list[Plan]:
    """Plan calls with speakers that the voice weights were not trained on.

    Args:
        folder: holds `manifest.csv`.
        half: which half of the speakers and scripts.
        n_calls: how many calls to make.
        seed: decides what happens in them.
        halved: corpora whose speakers are split; None: every one.

    Raises:
        DataError: the manifest or a column is missing, or there are no speakers.
        WeightsError: the voice weights are missing or corrupted.
    """
    trained_on = load_head(PERMISSIVE).card.trained_on
    voices = load_voices(folder, half, SPLIT_SEED, trained_on, halved)
    return make_plans(voices, half, n_calls, seed)


def listen(
    factory: CallFactory, plan: Plan, rendered: Rendered, heard: Heard
) -> dict[Signals, Outcome]:
    """Listen to one call in every way; the models hear it once."""
    listener = Listener(factory)
    truth = truth_of(rendered.utterances, rendered.duration_s)
    return {
        signals: outcome_of(
            plan.kind,
            rendered.duration_s,
            truth,
            listener.listen(rendered, plan.language, signals, heard),
        )
        # All windows are read for the first, so the order does not matter.
        for signals in Signals
    }


class _Shares:
    """How much there is of each kind of call."""

    def __init__(self) -> None:
        self._seconds: Counter[Kind] = Counter()
        self._spoken = 0.0

    def add(self, plan: Plan, rendered: Rendered) -> None:
        self._seconds[plan.kind] += rendered.duration_s  # type: ignore[assignment]  # Counter counts in int by its stub
        self._spoken += sum(
            one.end_s - one.start_s
            for one in rendered.utterances
            if one.party is Party.CUSTOMER
        )

    def figures(self) -> list[Figure]:
        total = sum(self._seconds.values())
        hours = [
            Figure(f"calls.hours.{kind}", seconds / HOUR_S, "h")
            for kind, seconds in self._seconds.items()
        ]
        return [*hours, Figure("calls.customer_speech", self._spoken / total, "ratio")]


def notes_on(plans: Sequence[Plan]) -> list[str]:
    """Say what a reader has to know to read the figures."""
    n_speakers = len({_customer(plan) for plan in plans})
    missing = [kind for kind in Kind if kind not in {plan.kind for plan in plans}]
    notes = [
        f"{len(plans)} calls, {_listed(Counter(plan.kind for plan in plans))}",
        f"{n_speakers} customers; 8 kHz mu-law, noise, cross-talk, changing levels",
        "acted speech is not a call centre",
        "Intervals: bootstrap over calls; few speakers stand behind many calls.",
        "Hours are of call time. Delays are of the escalations that were cued.",
        "A delay below zero: irritation was cued before anger.",
    ]
    if missing:
        notes.append(
            f"No such calls: {', '.join(missing)} (too few calls asked for, or no "
            "speaker with the recordings that they need)."
        )
    return notes


def _customer(plan: Plan) -> str:
    return next(
        turn.clips[0].speaker for turn in plan.turns if turn.party is Party.CUSTOMER
    )


def _listed(counts: Counter[Kind]) -> str:
    pairs: Iterable[tuple[Kind, int]] = counts.items()
    return ", ".join(f"{n} {kind}" for kind, n in pairs)
