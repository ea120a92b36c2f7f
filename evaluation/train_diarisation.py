"""`python -m evaluation train_diarisation`: train the segmentation model.

Calls and rooms are made up of the speakers that are not held out, and Whisper's
encoder hears each of them once. Then the head learns from what it heard, with powerset
classes and pyannote's permutation-invariant loss. What is kept is a running mean of the
weights. One seeded command.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr
import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
from numpy.typing import NDArray

from audio.frame import RATE
from evaluation.diarisation_mixtures import (
    Mixture,
    MixtureParams,
    simulate,
    varied,
)
from evaluation.diarisation_voices import (
    RATE as LINE_RATE,
)
from evaluation.diarisation_voices import (
    STEP_S,
    Voice,
    is_held_out,
    read_voices,
    sped_up,
)
from evaluation.report import Figure, Report
from models.diarisation_weights import (
    SegmentationCard,
    load,
    new_segmentation,
    powerset,
    save,
)
from models.runtime import prepare_torch
from models.segmentation_input import N_VOICES, PIECE_S, WINDOW_S
from models.voice_features import STEP_SAMPLES

if TYPE_CHECKING:
    from pyannote.audio.utils.powerset import Powerset

_CHECK_SPEEDS = (0.96, 1.045)
"""Progress is measured on voices at speeds that nothing is trained on."""

_WINDOW_STEPS = round(WINDOW_S * RATE) // STEP_SAMPLES


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the model is trained.

    Attributes:
        calls: calls that are made up; the memory they need is about 9 MB each.
        plain: share of them that are telephone lines with nothing out of the way.
        steps: updates of the weights; the rate falls to nothing over them.
        batch: windows in one step.
        rate: learning rate at its highest.
        warm_up: steps until it is reached.
        average: how much of the running mean of the weights stays at each step.
        speeds: every voice is also heard at these speeds, as another speaker.
        check: calls that progress is measured on.
        every: steps between two such checks, each of which writes the weights.
        mixtures: how the other calls go.
    """

    calls: int = 400
    plain: float = 0.25
    steps: int = 3000
    batch: int = 16
    rate: float = 1e-3
    warm_up: int = 100
    average: float = 0.995
    speeds: tuple[float, ...] = (0.84, 0.92, 1.0, 1.09, 1.19)
    check: int = 24
    every: int = 250
    mixtures: MixtureParams = field(
        default_factory=lambda: MixtureParams(
            far=0.25, babble=0.15, clatter=0.2, damaged=0.15, third=0.2, together=0.4
        )
    )


RECIPE = Recipe()
_CHECKED = MixtureParams()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes besides ``--json``."""
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        metavar="DIR",
        help="folders with manifest.csv: path, corpus or source, [speaker], [emotion]",
    )
    parser.add_argument("--corpora", nargs="+", required=True, metavar="NAME")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.npz")
    parser.add_argument("--name", default="diarisation-permissive")
    parser.add_argument("--version", default="3")
    parser.add_argument("--licence", default="CC-BY-4.0", help="of the weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="0: torch's choice")


def run(args: argparse.Namespace) -> Report:
    """Train, write the weights, and report on speakers that were held out.

    Raises:
        DataError: a manifest or a recording is not what is needed.
        WeightsError: Whisper's weights are missing or corrupted.
    """
    prepare_torch(args.threads)
    recipe = RECIPE
    voices = _voices(args.data, tuple(args.corpora))
    heard = tuple(voice for voice in voices if not is_held_out(voice.speaker))
    held_out = tuple(voice for voice in voices if is_held_out(voice.speaker))
    card = SegmentationCard(
        name=args.name,
        version=args.version,
        licence=args.licence,
        trained_on=tuple(sorted(args.corpora)),
        speakers=tuple(sorted(voice.speaker for voice in heard)),
    )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    beside = tuple(sped_up(voice, speed) for speed in _CHECK_SPEEDS for voice in heard)
    checked = made_up(beside, recipe.check, args.seed)
    trainer = Trainer(material(heard, recipe, args.seed), recipe, args.seed)
    print(f"calls heard, {(time.monotonic() - began) / 60:.1f} min", flush=True)
    for step in range(1, recipe.steps + 1):
        loss = trainer.step(step)
        if step % recipe.every == 0 or step == recipe.steps:
            error = window_errors(trainer.mean_state(), checked)
            save(args.out, trainer.mean_state(), card)
            print(
                f"step {step}: loss {loss:.3f}, error {error.total:.1f} % of speech, "
                f"{(time.monotonic() - began) / 60:.1f} min",
                flush=True,
            )
    proof = window_errors(
        load(args.out)[0].state_dict(), made_up(held_out, recipe.check, args.seed)
    )
    return Report(
        "train_diarisation",
        "+".join(folder.resolve().name for folder in args.data),
        [
            Figure("diarisation.window_error", proof.total, "%"),
            Figure("diarisation.window_missed", proof.missed, "%"),
            Figure("diarisation.window_false", proof.false, "%"),
            Figure("diarisation.window_confused", proof.confused, "%"),
        ],
        [
            f"wrote {args.out.name}, {args.out.stat().st_size / 1024:.0f} KiB",
            f"recipe: {json.dumps(asdict(recipe))}",
            f"{len(heard)} speakers heard, {len(held_out)} held out",
            (
                "window_error: missed, false and confused speech of the best "
                f"assignment of voices within windows of {WINDOW_S:g} s, held-out "
                "speakers"
            ),
        ],
    )


def _voices(folders: list[Path], corpora: tuple[str, ...]) -> tuple[Voice, ...]:
    voices: list[Voice] = []
    for folder in folders:
        voices += read_voices(folder, corpora)
    return tuple(voices)


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A simulated call as the encoder hears it.

    Attributes:
        steps: float16, shape ``(n_steps, n_numbers)``, a step is 20 ms.
        speech: bool, shape ``(n_speakers, n_steps)``, a step is 10 ms.
    """

    steps: torch.Tensor
    speech: NDArray[np.bool_]


def heard_by_encoder(call: Mixture) -> Heard:
    """Let the encoder hear a call, piece by piece, as it hears a recording."""
    from models.segmentation import encoded  # noqa: PLC0415  # takes seconds

    pcm = soxr.resample(call.pcm, LINE_RATE, RATE).astype(np.float32)
    n_piece = round(PIECE_S * RATE)
    padded = np.pad(pcm, (0, -len(pcm) % n_piece))
    steps = torch.cat(
        [
            encoded([piece])[0].half()
            for piece in np.split(padded, len(padded) // n_piece)
        ]
    )
    return Heard(steps[: len(pcm) // STEP_SAMPLES], call.speech)


def material(voices: Sequence[Voice], recipe: Recipe, seed: int) -> tuple[Heard, ...]:
    """Make the calls up that the head learns from, and have them heard.

    Args:
        voices: of the speakers.
        recipe: how many calls, and how they go.
        seed: decides everything that is left to chance.
    """
    draw = np.random.default_rng(seed)
    each = tuple(
        voice if speed == 1 else sped_up(voice, speed)
        for speed in recipe.speeds
        for voice in voices
    )
    calls: list[Heard] = []
    for _ in range(recipe.calls):
        plain = draw.random() < recipe.plain
        params = MixtureParams() if plain else varied(recipe.mixtures, draw)
        calls.append(heard_by_encoder(simulate(each, params, draw)))
    return tuple(calls)


def made_up(voices: tuple[Voice, ...], n_calls: int, seed: int) -> tuple[Heard, ...]:
    """Make plain telephone calls up to measure on, and have them heard."""
    draw = np.random.default_rng([seed, 1])
    return tuple(
        heard_by_encoder(simulate(voices, _CHECKED, draw)) for _ in range(n_calls)
    )


@dataclass(frozen=True, slots=True)
class WindowErrors:
    """What is wrong in windows, in percent of their speech."""

    missed: float
    false: float
    confused: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.missed + self.false + self.confused


class Trainer:
    """The model and its optimiser.

    Args:
        calls: to learn from.
        recipe: how.
        seed: decides everything that is left to chance.
    """

    def __init__(self, calls: Sequence[Heard], recipe: Recipe, seed: int) -> None:
        torch.manual_seed(seed)
        self._recipe = recipe
        self._draw = np.random.default_rng([seed, 2])
        self._calls = calls
        self._model = new_segmentation().train()
        self._powerset = powerset()
        self._optimiser = torch.optim.AdamW(
            self._model.parameters(), recipe.rate, weight_decay=0.01
        )
        self._mean = {k: v.clone() for k, v in self._model.state_dict().items()}

    def step(self, number: int) -> float:
        """Update the weights once; return the loss before."""
        recipe = self._recipe
        for group in self._optimiser.param_groups:
            group["lr"] = recipe.rate * _schedule(number, recipe)
        steps, truth = self._batch()
        with torch.autocast("cpu", torch.bfloat16):
            scores = self._model.tell(self._model.frames_of(steps))
        loss = _loss(self._powerset, scores, truth)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimiser.step()
        keep = min(recipe.average, (1 + number) / (10 + number))
        for name, value in self._model.state_dict().items():
            self._mean[name].lerp_(value, 1 - keep)
        return loss.item()

    def mean_state(self) -> dict[str, torch.Tensor]:
        """The running mean of the weights."""
        return self._mean

    def _batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Cut as many windows out of the calls as a step takes, anywhere."""
        cuts = []
        for index in self._draw.integers(len(self._calls), size=self._recipe.batch):
            call = self._calls[index]
            last = len(call.steps) - _WINDOW_STEPS
            cuts.append(cut(call, int(self._draw.integers(last + 1))))
        steps, truth = zip(*cuts, strict=True)
        return torch.stack(steps), torch.stack(truth)


def cut(call: Heard, begin: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut a window out of a call.

    Args:
        call: at least as long as a window.
        begin: step of the encoder that it begins with.

    Returns:
        what the encoder heard, ``(n_steps, n_numbers)``; and float32,
        ``(n_frames, 3)``, 1 where the voice speaks in the middle of the frame.
    """
    from models.segmentation import FRAME_SAMPLES  # noqa: PLC0415  # takes seconds

    middles_s = (
        np.arange(
            begin * STEP_SAMPLES + FRAME_SAMPLES // 2,
            (begin + _WINDOW_STEPS) * STEP_SAMPLES,
            FRAME_SAMPLES,
        )
        / RATE
    )
    speech = call.speech[:, np.round(middles_s / STEP_S).astype(int)]
    truth = np.zeros((len(middles_s), N_VOICES), np.float32)
    truth[:, : len(speech)] = speech.T
    return call.steps[begin : begin + _WINDOW_STEPS], torch.from_numpy(truth)


def window_errors(
    state: dict[str, torch.Tensor], calls: Sequence[Heard]
) -> WindowErrors:
    """Return what a model gets wrong in the windows of some calls, one after the other.

    Args:
        state: its weights.
        calls: with at least a window.
    """
    model = new_segmentation().eval()
    model.load_state_dict(state)
    classes = powerset()
    missed = false = right = total = 0.0
    with torch.inference_mode():
        for call in calls:
            for steps, truth in _windows(call):
                said = classes.to_multilabel(model.tell(model.frames_of(steps[None])))
                matched = _matched(said, truth[None])
                n_said, n_true = said.sum(-1), matched.sum(-1)
                missed += float(F.relu(n_true - n_said).sum())
                false += float(F.relu(n_said - n_true).sum())
                right += float((said * matched).sum())
                total += float(n_true.sum())
    return WindowErrors(
        100 * missed / total,
        100 * false / total,
        100 * (total - missed - right) / total,
    )


def _windows(call: Heard) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for begin in range(0, len(call.steps) - _WINDOW_STEPS + 1, _WINDOW_STEPS):
        yield cut(call, begin)


def _schedule(step: int, recipe: Recipe) -> float:
    fallen = 0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / recipe.steps))
    return float(min(1.0, step / recipe.warm_up) * fallen)


def _loss(
    classes_of: "Powerset", scores: torch.Tensor, truth: torch.Tensor
) -> torch.Tensor:
    matched = _matched(classes_of.to_multilabel(scores, soft=True), truth)
    classes = classes_of.to_powerset(matched).argmax(-1)
    return F.nll_loss(scores.flatten(0, 1), classes.flatten())


def _matched(heard: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Order the voices of the truth as those that were heard, window by window."""
    from pyannote.audio.utils.permutation import permutate  # noqa: PLC0415

    matched: torch.Tensor = permutate(heard, truth)[0]
    return matched
