"""`python -m evaluation silence`: what the service hears where nobody speaks.

Speech recognition is known to write words for hold music and hiss. Each sound of
`silence_sounds` fills the customer's side of a call of its own, over comfort noise on
the agent's side, through 8 kHz mu-law, and the call runs as a recorded one does, with
the real models. Counted is what no person would write down, be told or be alarmed by.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from alerts.events import AlertOpened, CueArmed
from audio.codec import AudioFormat, Encoding, encode
from audio.frame import Frame, Party
from audio.framer import Framer
from evaluation.report import Figure, Report
from evaluation.silence_sounds import RATE, SOUNDS, comfort_noise
from server.config import Settings
from server.events import (
    CallStarted,
    Consent,
    LogEntry,
    TranscriptFinal,
)
from server.factory import CallFactory
from server.loading import load_models
from server.offline import follow

MINUTES: Final = 32.0
SEED: Final = 1

_PARTIES = (Party.CUSTOMER, Party.AGENT)
_FORMAT = AudioFormat(Encoding.MULAW, RATE, len(_PARTIES))
_BLOCK = RATE * len(_PARTIES)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_TEN_MINUTES_S = 600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call in which nobody spoke.

    Attributes:
        words: words that were written; a Chinese character counts as one.
    """

    sound: str
    duration_s: float
    words: int
    cues: int
    alerts: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--minutes",
        type=float,
        default=MINUTES,
        metavar="M",
        help="of all sounds together (default: %(default)g)",
    )


def run(args: argparse.Namespace) -> Report:
    """Let the service listen to every sound.

    Raises:
        WeightsError: weights are missing or corrupted.
    """
    factory = CallFactory.of(load_models(Settings()))
    each_s = 60.0 * args.minutes / len(SOUNDS)
    outcomes = [listen(sound, each_s, factory) for sound in SOUNDS]
    return Report("silence", "sounds made from a seed", figures(outcomes), _NOTES)


_NOTES = (
    f"sounds: {', '.join(SOUNDS)}; one call each, through 8 kHz mu-law",
    "made, not recorded: real hold music has singers, real streets have voices",
)


def listen(sound: str, duration_s: float, factory: CallFactory) -> Outcome:
    """Run a call with one sound on the customer's side."""
    words = cues = alerts = 0
    for entry in _log(sound, duration_s, factory):
        match entry.event:
            case TranscriptFinal(text=text):
                words += n_words(text)
            case CueArmed():
                cues += 1
            case AlertOpened():
                alerts += 1
            case _:
                pass
    return Outcome(sound, duration_s, words, cues, alerts)


def _log(sound: str, duration_s: float, factory: CallFactory) -> Iterator[LogEntry]:
    started = CallStarted(
        call_id=f"silence-{sound.replace('_', '-')}",
        agent_id="nobody",
        customer_ref="",
        language=None,
        parties=_PARTIES,
        consent=Consent.GRANTED,
        started_at="",
        models=factory.models.names,
    )
    yield from follow(_frames(sound, duration_s), started, factory, lambda _: None)


def _frames(sound: str, duration_s: float) -> Iterator[list[tuple[Frame, ...]]]:
    framer = Framer(_FORMAT, _PARTIES)
    line = _bytes(sound, duration_s)
    for at in range(0, len(line), _BLOCK):
        yield framer.receive_bytes(line[at : at + _BLOCK])
    yield framer.flush()


def _bytes(sound: str, duration_s: float) -> bytes:
    """The line, its two sides interleaved."""
    draw = np.random.default_rng([SEED, list(SOUNDS).index(sound)])
    customer = SOUNDS[sound](duration_s, draw)
    agent = comfort_noise(duration_s, draw)
    return encode(np.stack([customer, agent], axis=1), _FORMAT)


def n_words(text: str) -> int:
    """Count words; a Chinese character counts as one."""
    return len(_HAN.sub(" ", text).split()) + len(_HAN.findall(text))


def figures(outcomes: Sequence[Outcome]) -> list[Figure]:
    """Sum up, and tell each sound on its own."""
    total_s = sum(one.duration_s for one in outcomes)
    words = sum(one.words for one in outcomes)
    found = [
        Figure("silence.words_per_10min", words * _TEN_MINUTES_S / total_s, "count"),
        Figure("silence.cues", sum(one.cues for one in outcomes), "count"),
        Figure("silence.alerts", sum(one.alerts for one in outcomes), "count"),
        Figure("silence.minutes", total_s / 60, "min"),
    ]
    return found + [
        Figure(f"silence.words.{one.sound}", one.words, "count") for one in outcomes
    ]
