"""`python -m evaluation diarisation`: who speaks when, against the truth.

Recordings with RTTM, and mono telephone calls simulated from speakers that the
segmentation model never heard. Beside it the plain way of `diarisation_baseline`,
which is told the number of speakers, in the same run.
"""

import argparse
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audio.codec import AudioFormat, Encoding
from audio.frame import RATE, Party
from audio.framer import Framer
from audio.speakers import Timeline, Turn
from evaluation.diarisation_baseline import diarise_plainly
from evaluation.diarisation_cases import (
    Case,
    hard,
    mixed,
    recordings,
    simulated,
)
from evaluation.diarisation_live import Followed, follow, latencies_s
from evaluation.diarisation_mixtures import MixtureParams
from evaluation.diarisation_outcomes import outcome_figures
from evaluation.report import Figure, Report
from models import diarisation_weights
from models.diarisation import DiarisationParams, PyannoteDiariser
from models.errors import DataError
from models.ports import Diarisation
from models.speaker_tracking import LiveTracker
from server.config import Settings
from server.events import CallStarted, Consent, RolesAssigned
from server.factory import CallFactory
from server.loading import load_models
from server.mono import Heard, analyse_mono
from server.mono_call import PARTIES

if TYPE_CHECKING:
    from pyannote.core import Annotation

_PARTS = ("missed detection", "false alarm", "confusion")
_COLLAR_S = 0.25
_SOON_S = 5.0
_SHORTEST_CALL_S = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one recording.

    Attributes:
        case: the recording.
        ours: what our diariser said.
        plain: what the baseline said.
        took_s: processor time of ours; it stays on the threads that torch has.
        live: what a live call is told, label by label; None where nobody asked.
    """

    case: Case
    ours: tuple[Turn, ...]
    plain: tuple[Turn, ...]
    took_s: float
    live: Followed | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder with recordings and one or more RTTM files about them; where they "
        "name customer and agent, the words have to say which is which",
    )
    parser.add_argument(
        "--simulate",
        type=Path,
        metavar="SPEECH_DIR",
        help="make up calls of the speakers in this folder's manifest.csv that the "
        "model was not trained on",
    )
    parser.add_argument(
        "--two-channel",
        type=Path,
        metavar="DIR",
        help="folder with calls on two channels, the customer on the left: they are "
        "mixed to one, and the words have to say who is the customer",
    )
    parser.add_argument(
        "--calls", type=int, default=8, help="simulated calls for each corpus"
    )
    parser.add_argument(
        "--seconds", type=float, default=90.0, help="length of a simulated call"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--weights", type=Path, default=diarisation_weights.DEFAULT, metavar="FILE.npz"
    )
    parser.add_argument(
        "--hard",
        action="store_true",
        help="with --simulate: one call of each hard kind instead",
    )
    parser.add_argument(
        "--no-live", action="store_true", help="do not follow the calls live as well"
    )
    parser.add_argument(
        "--speakers",
        type=int,
        default=DiarisationParams().n_speakers,
        metavar="N",
        help="voices to tell apart; 0: found out",
    )
    parser.add_argument(
        "--most-speakers",
        type=int,
        default=DiarisationParams().most_speakers,
        metavar="N",
        help="at most so many are found",
    )


def run(args: argparse.Namespace) -> Report:
    """Measure.

    Raises:
        DataError: neither folder is given, or one is not what is needed; or so is a
            number.
        WeightsError: weights are missing.
    """
    params = _params(args)
    diariser = PyannoteDiariser(params, weights=args.weights)
    cases = _cases(args)
    diariser.diarise(cases[0].pcm[: 10 * RATE])  # Loads what it needs.
    weights = None if args.no_live else args.weights
    outcomes = [measured(case, diariser, weights) for case in cases]
    found = list(figures("", outcomes))
    kinds = sorted({case.kind for case in cases})
    for kind in kinds if len(kinds) > 1 else ():
        of_kind = [each for each in outcomes if each.case.kind == kind]
        found += figures(f"{kind}.", of_kind)
        if args.hard:
            for each in of_kind:
                found += outcome_figures(
                    f"diarisation.{kind}.",
                    each.case.truth,
                    each.ours,
                    each.case.music,
                )
    known = [each for each in outcomes if each.case.knows_roles]
    found += role_figures(known) if known else ()
    sought = params.n_speakers or f"2 to {params.most_speakers}"
    return Report(
        "diarisation",
        "+".join(folder.resolve().name for folder in _folders(args)),
        found,
        [
            (
                f"{diariser.name}, {sought} speakers; {len(cases)} files, "
                f"{sum(case.duration_s for case in cases) / 60:.1f} min"
            ),
            (
                "DER with pyannote.metrics: overlaps counted, no collar; collar250: "
                "what lies within 0.25 s of a boundary of the truth is left out"
            ),
            "the baseline is told the true number of speakers",
            (
                "live: as a live call is told; latency: median over speakers, from the "
                "first word of one to the first label of his own"
            ),
            *(_line(outcome) for outcome in outcomes),
        ],
    )


def _params(args: argparse.Namespace) -> DiarisationParams:
    try:
        params = DiarisationParams(
            n_speakers=args.speakers, most_speakers=args.most_speakers
        )
    except ValueError as error:
        raise DataError(str(error)) from error
    if args.calls < 1 or not args.seconds >= _SHORTEST_CALL_S:
        raise DataError(
            f"expected at least one call of {_SHORTEST_CALL_S:g} s, got "
            f"--calls {args.calls} --seconds {args.seconds:g}"
        )
    return params


def _folders(args: argparse.Namespace) -> list[Path]:
    return [
        folder
        for folder in (args.data, args.simulate, args.two_channel)
        if folder is not None
    ]


def _cases(args: argparse.Namespace) -> list[Case]:
    """Read and make all that is asked for."""
    if not _folders(args):
        raise DataError("give --data, --simulate or --two-channel, or several of them")
    _, card = diarisation_weights.load(args.weights)
    heard = frozenset(card.speakers)
    cases = list(recordings(args.data)) if args.data is not None else []
    if args.two_channel is not None:
        cases += mixed(args.two_channel)
    if args.simulate is not None and args.hard:
        cases += hard(args.simulate, heard, args.seed)
    elif args.simulate is not None:
        call = MixtureParams(duration_s=args.seconds, alone=0.0, third=0.0)
        cases += simulated(args.simulate, heard, call, args.calls, args.seed)
    return cases


def role_figures(outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    """Yield the share of calls whose agent is taken for the customer, or nobody is."""
    factory = CallFactory.of(load_models(Settings()))
    n_wrong = n_unknown = 0
    names = [party.value for party in PARTIES]
    for each in outcomes:
        truth = Timeline(each.case.truth)
        roles = _roles(each, factory)
        found = [who.speaker for who in roles.speakers if who.party is Party.CUSTOMER]
        theirs = [turn for turn in each.ours if turn.speaker in found]
        heard_s = {
            name: sum(
                max(0.0, min(a.end_s, b.end_s) - max(a.start_s, b.start_s))
                for a in theirs
                for b in truth.turns
                if b.speaker == name
            )
            for name in names
        }
        customer, agent = (heard_s[name] for name in names)
        n_unknown += not found
        n_wrong += bool(found) and not customer > agent
    n = len(outcomes)
    yield Figure("diarisation.role_error", 100 * n_wrong / n, "%")
    yield Figure("diarisation.roles_unknown", 100 * n_unknown / n, "%")


def _roles(outcome: Outcome, factory: CallFactory) -> RolesAssigned:
    framer = Framer(AudioFormat(Encoding.PCM_S16LE, RATE, 1), (Party.UNKNOWN,))
    frames = framer.receive_pcm(outcome.case.pcm[:, None]) + framer.flush()
    found = Diarisation(outcome.ours, outcome.ours)
    heard = Heard.of([frame for (frame,) in frames], found)
    call = CallStarted(
        outcome.case.name, "", "", None, (Party.UNKNOWN,), Consent.GRANTED, "", ()
    )
    log = analyse_mono(heard, call, factory, lambda _: None)
    # The run ends here: nothing after the roles is worked out.
    return next(e.event for e in log if isinstance(e.event, RolesAssigned))


def measured(case: Case, diariser: PyannoteDiariser, live: Path | None) -> Outcome:
    """Run both ways over one recording.

    Args:
        case: the recording.
        diariser: ours.
        live: weights to follow it live with; None: it is not followed.
    """
    began = time.perf_counter()
    ours = diariser.diarise(case.pcm).turns
    took_s = time.perf_counter() - began
    plain = diarise_plainly(case.pcm, case.n_speakers).turns
    followed = follow(case.pcm, LiveTracker(live)) if live is not None else None
    return Outcome(case, ours, plain, took_s, followed)


def figures(prefix: str, outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    """Yield what came of some recordings, under names with a prefix."""
    name = f"diarisation.{prefix}"
    ours = _errors(outcomes, "ours", 0.0)
    plain = _errors(outcomes, "plain", 0.0)
    yield Figure(f"{name}der", ours["der"], "%")
    yield Figure(
        f"{name}der_collar250", _errors(outcomes, "ours", _COLLAR_S)["der"], "%"
    )
    for part in _PARTS:
        yield Figure(f"{name}{part.replace(' ', '_')}", ours[part], "%")
    yield Figure(f"{name}baseline_der", plain["der"], "%")
    collared = _errors(outcomes, "plain", _COLLAR_S)["der"]
    yield Figure(f"{name}baseline_der_collar250", collared, "%")
    for part in _PARTS:
        yield Figure(f"{name}baseline_{part.replace(' ', '_')}", plain[part], "%")
    wrong = [abs(_n_speakers(each.ours) - each.case.n_speakers) for each in outcomes]
    yield Figure(f"{name}speaker_count_error", float(np.mean(wrong)), "speakers")
    took_s = sum(each.took_s for each in outcomes)
    lasted_s = sum(each.case.duration_s for each in outcomes)
    yield Figure(f"{name}rtf", took_s / lasted_s, "ratio")
    yield from _live_figures(name, outcomes)


def _live_figures(name: str, outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    lives = [(each, each.live) for each in outcomes if each.live is not None]
    if not lives:
        return
    late_s = [
        latency_s
        for each, live in lives
        for latency_s in latencies_s(live, each.case.truth)
    ]
    yield Figure(f"{name}live_latency_s", float(np.median(late_s)), "s")
    within = [latency_s <= _SOON_S for latency_s in late_s]
    yield Figure(f"{name}live_within_5_s", 100 * float(np.mean(within)), "%")
    yield Figure(f"{name}live_der", _errors(outcomes, "live", 0.0)["der"], "%")
    lasted_s = sum(each.case.duration_s for each, _ in lives)
    took_s = sum(live.took_s for _, live in lives)
    yield Figure(f"{name}live_rtf", took_s / lasted_s, "ratio")


def _errors(
    outcomes: Sequence[Outcome], whose: str, collar_s: float
) -> dict[str, float]:
    """Return the DER and its parts over all recordings, in percent of speech."""
    from pyannote.core import Segment, Timeline  # noqa: PLC0415  # after its telemetry
    from pyannote.metrics.diarization import (  # noqa: PLC0415  # likewise
        DiarizationErrorRate,
    )

    # pyannote's collar is the width of what is left out, half on each side.
    metric = DiarizationErrorRate(collar=2 * collar_s, skip_overlap=False)
    for each in outcomes:
        turns = each.ours if whose == "ours" else each.plain
        if whose == "live" and each.live is not None:
            turns = each.live.turns
        whole = Timeline([Segment(0, each.case.duration_s)])
        metric(_annotation(each.case.truth), _annotation(turns), uem=whole)
    counted = {part: _number(metric[part]) for part in (*_PARTS, "total")}
    # Where a collar leaves no speech, there is nothing to be wrong about.
    total = counted["total"] or math.inf
    errors = {part: 100 * counted[part] / total for part in _PARTS}
    return {"der": sum(errors.values()), **errors}


def _number(value: object) -> float:
    assert isinstance(value, (int, float, np.number))
    return float(value)


def _annotation(turns: Sequence[Turn]) -> "Annotation":
    from pyannote.core import Annotation, Segment  # noqa: PLC0415  # as above

    annotation = Annotation()
    for index, turn in enumerate(turns):
        annotation[Segment(turn.start_s, turn.end_s), index] = turn.speaker
    return annotation


def _n_speakers(turns: Sequence[Turn]) -> int:
    return len({turn.speaker for turn in turns})


def _line(outcome: Outcome) -> str:
    case = outcome.case
    return (
        f"{case.kind} {case.name}: DER {_errors([outcome], 'ours', 0.0)['der']:.1f} %, "
        f"plain {_errors([outcome], 'plain', 0.0)['der']:.1f} %, "
        f"{_n_speakers(outcome.ours)} of {case.n_speakers} speakers"
    )
