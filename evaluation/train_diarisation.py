"""`python -m evaluation train_diarisation`: train the segmentation model.

Simulated calls of the speakers that are not held out, made up as training goes;
pyannote's `PyanNet` with powerset classes and its permutation-invariant loss. First
plain telephone lines, then every kind of noise, haste and room; a third recipe has
people who keep speaking over each other. What is kept is a running mean of the weights.
One seeded command.
"""

import argparse
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    N_VOICES,
    WINDOW_S,
    SegmentationCard,
    load,
    new_segmentation,
    powerset,
    save,
)
from models.errors import DataError

if TYPE_CHECKING:
    from pyannote.audio.models.segmentation import PyanNet
    from pyannote.audio.utils.powerset import Powerset

_KERNEL = 251
_POOL = 3
_BEGIN_S = 0.03
"""Windows begin at multiples of this: a whole number of pooled frames, and of steps."""

_QUIET = 1e-6
_CHECKED = MixtureParams()
_N_CHECKED = 4
"""Windows of each call that progress is measured on."""

_CHECK_SPEEDS = (0.96, 1.045)
"""Progress is measured on voices at speeds that nothing is trained on."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the model is trained.

    Attributes:
        steps: updates of the weights after which the learning rate has fallen.
        until: the step that ends it.
        fall: steps that it falls over, as a cosine.
        batch: windows in one step.
        rate: learning rate at its highest.
        warm_up: steps until it is reached.
        memory: calls that windows are cut from at a time.
        refresh: steps after which the oldest of them makes room for a new one.
        average: how much of the running mean of the weights stays at each step.
        speeds: every voice is also heard at these speeds, as another speaker.
        check: calls that progress is measured on.
        every: steps between two such checks, each of which writes the weights.
        mixtures: how the calls go.
        varying: every call goes in a way of its own.
    """

    steps: int
    until: int
    fall: int
    batch: int = 8
    rate: float = 1.5e-3
    warm_up: int = 100
    memory: int = 96
    refresh: int = 3
    average: float = 0.998
    speeds: tuple[float, ...] = (0.88, 1.0, 1.14)
    check: int = 24
    every: int = 250
    mixtures: MixtureParams = field(default_factory=MixtureParams)
    varying: bool = False


RECIPES = (
    Recipe(steps=3600, until=3000, fall=3500),
    Recipe(
        steps=4200,
        until=500,
        fall=4100,
        rate=1.2e-3,
        memory=128,
        speeds=(0.84, 0.92, 1.0, 1.09, 1.19),
        mixtures=MixtureParams(
            far=0.2, babble=0.2, clatter=0.3, damaged=0.2, third=0.2
        ),
        varying=True,
    ),
    Recipe(
        steps=800,
        until=800,
        fall=600,
        batch=16,
        rate=1e-3,
        memory=128,
        refresh=2,
        average=0.997,
        speeds=(0.84, 0.92, 1.0, 1.09, 1.19),
        mixtures=MixtureParams(
            far=0.2, babble=0.15, clatter=0.2, damaged=0.15, third=0.2, together=0.5
        ),
        varying=True,
    ),
)
"""What is trained on in turn, each from where the one before ended. The weights that
are shipped end with the second; what the third gave is in docs/evaluation.md."""


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
    parser.add_argument("--version", default="2")
    parser.add_argument("--licence", default="CC-BY-4.0", help="of the weights")
    parser.add_argument(
        "--begin-with",
        type=Path,
        metavar="FILE.npz",
        help="what an earlier recipe gave, in its place",
    )
    parser.add_argument(
        "--recipe", type=int, default=1, metavar="N", help="the first one to follow"
    )
    parser.add_argument(
        "--last-recipe", type=int, default=2, metavar="N", help="the last one of 3"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="0: torch's choice")


def run(args: argparse.Namespace) -> Report:
    """Train, write the weights, and report on speakers that were held out.

    Raises:
        DataError: a manifest or a recording is not what is needed.
    """
    if args.threads:
        torch.set_num_threads(args.threads)
    followed = list(enumerate(RECIPES))[args.recipe - 1 : args.last_recipe]
    if not followed:
        raise DataError("--recipe must be at most --last-recipe, both from 1 to 3")
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
    begin_with = args.begin_with
    beside = tuple(sped_up(voice, speed) for speed in _CHECK_SPEEDS for voice in heard)
    state = load(begin_with)[0].state_dict() if begin_with else None
    for number, recipe in followed:
        trainer = Trainer(heard, recipe, args.seed + number, state)
        for step in range(1, recipe.until + 1):
            loss = trainer.step(step)
            if step % recipe.every == 0 or step == recipe.until:
                error = window_errors(
                    trainer.mean_state(), beside, recipe.check, args.seed
                )
                save(args.out, trainer.mean_state(), card)
                print(
                    f"recipe {number + 1}, step {step}: loss {loss:.3f}, "
                    f"error {error.total:.1f} % of speech, "
                    f"{(time.monotonic() - began) / 60:.1f} min",
                    flush=True,
                )
        state = load(args.out)[0].state_dict()
    proof = window_errors(
        load(args.out)[0].state_dict(), held_out, RECIPES[0].check, args.seed
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
            f"recipes: {json.dumps([asdict(recipe) for _, recipe in followed])}",
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
    """A simulated call as the filters of the model hear it; they stay as they are.

    Attributes:
        loudness: what each filter lets through, float16, ``(n_filters, n_pooled)``.
        power: sum of the squared samples until each place a window may begin at.
        speech: bool, shape ``(n_speakers, n_steps)``, a step is 10 ms.
    """

    loudness: torch.Tensor
    power: NDArray[np.float64]
    speech: NDArray[np.bool_]


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
    """The model, its optimiser and the calls it hears.

    Args:
        voices: voices to train on.
        recipe: how.
        seed: decides everything that is left to chance.
        state: weights to begin with; None: at random.
    """

    def __init__(
        self,
        voices: tuple[Voice, ...],
        recipe: Recipe,
        seed: int,
        state: dict[str, torch.Tensor] | None,
    ) -> None:
        torch.manual_seed(seed)
        self.recipe = recipe
        self._draw = np.random.default_rng(seed)
        self._voices = tuple(
            voice if speed == 1 else sped_up(voice, speed)
            for speed in recipe.speeds
            for voice in voices
        )
        self._model = new_segmentation().train()
        if state is not None:
            self._model.load_state_dict(state)
        self._powerset = powerset()
        # The filters stay where they are: evenly spaced on the mel scale.
        for parameter in self._model.sincnet.conv1d[0].parameters():
            parameter.requires_grad_(False)
        self._model.sincnet.wav_norm1d.requires_grad_(False)
        self._trained = [p for p in self._model.parameters() if p.requires_grad]
        self._optimiser = torch.optim.AdamW(
            self._trained, recipe.rate, weight_decay=0.01
        )
        self._mean = {k: v.clone() for k, v in self._model.state_dict().items()}
        self._calls: deque[Heard] = deque(maxlen=recipe.memory)
        n_first = max(8, recipe.memory // 4)
        self._calls.extend(self._new_call() for _ in range(n_first))

    def step(self, number: int) -> float:
        """Update the weights once; return the loss before."""
        recipe = self.recipe
        if number % recipe.refresh == 0:
            self._calls.append(self._new_call())
        for group in self._optimiser.param_groups:
            group["lr"] = recipe.rate * _schedule(number, recipe)
        picked = self._draw.integers(len(self._calls), size=recipe.batch)
        loudness, truth = cut([self._calls[i] for i in picked], self._model, self._draw)
        loss = _loss(self._powerset, forward(self._model, loudness), truth)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        torch.nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimiser.step()
        keep = min(recipe.average, (1 + number) / (10 + number))
        for name, value in self._model.state_dict().items():
            self._mean[name].lerp_(value, 1 - keep)
        return loss.item()

    def mean_state(self) -> dict[str, torch.Tensor]:
        """The running mean of the weights."""
        return self._mean

    def _new_call(self) -> Heard:
        recipe, draw = self.recipe, self._draw
        params = varied(recipe.mixtures, draw) if recipe.varying else recipe.mixtures
        return heard_by(self._model, simulate(self._voices, params, draw))


def window_errors(
    state: dict[str, torch.Tensor],
    voices: tuple[Voice, ...],
    n_calls: int,
    seed: int,
) -> WindowErrors:
    """Return what a model gets wrong in windows of made-up telephone calls.

    Args:
        state: its weights.
        voices: of the calls.
        n_calls: how many; a few windows are cut from each.
        seed: decides how the calls go.
    """
    model = new_segmentation().eval()
    model.load_state_dict(state)
    classes, draw = powerset(), np.random.default_rng([seed, 1])
    missed = false = right = total = 0.0
    with torch.inference_mode():
        for _ in range(n_calls):
            call = heard_by(model, simulate(voices, _CHECKED, draw))
            loudness, truth = cut([call] * _N_CHECKED, model, draw)
            said = classes.to_multilabel(forward(model, loudness))
            matched = _matched(said, truth)
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


def _schedule(step: int, recipe: Recipe) -> float:
    if step < recipe.warm_up:
        return step / recipe.warm_up
    done = max(0.0, 1 - (recipe.steps - step) / recipe.fall)
    return float(0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * done)))


def heard_by(model: "PyanNet", call: Mixture) -> Heard:
    """Send a call through the filters once, for all windows that are cut from it."""
    pcm = soxr.resample(call.pcm, LINE_RATE, RATE, quality="MQ").astype(np.float32)
    n_begin = round(_BEGIN_S * RATE)
    sinc = model.sincnet
    bank: Any = sinc.conv1d[0].filterbank
    with torch.no_grad():
        filters = bank.filters()[:, 0].T
        # With what a window has at its end, past a whole number of pooled frames.
        whole = torch.from_numpy(np.pad(pcm, (0, _KERNEL)))
        heard = (whole.unfold(0, _KERNEL, sinc.stride) @ filters).abs()
        n_pooled = len(heard) // _POOL
        heard = heard[: n_pooled * _POOL].unflatten(0, (n_pooled, _POOL)).amax(1)
    squares = np.square(pcm, dtype=np.float64)
    power = np.cumsum(squares[: len(pcm) // n_begin * n_begin])[n_begin - 1 :: n_begin]
    # Half precision holds what is near 1; the windows are brought to one level anyway.
    level = float(np.sqrt(squares.mean())) + _QUIET
    loudness = (heard.T / level).half().contiguous()
    return Heard(loudness, np.concatenate([[0.0], power]) / level**2, call.speech)


def cut(
    calls: Sequence[Heard], model: "PyanNet", draw: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut a window out of each call.

    Returns:
        what the filters let through, ``(n, n_filters, n_pooled)``; and float32,
        ``(n, n_frames, 3)``, 1 where the voice speaks.
    """
    n_samples = round(WINDOW_S * RATE)
    n_begin = round(_BEGIN_S * RATE)
    n_steps = round(WINDOW_S / STEP_S)
    n_filtered = ((n_samples - _KERNEL) // model.sincnet.stride + 1) // _POOL
    n_frames = model.num_frames(n_samples)
    first, second = (model.receptive_field_center(frame) for frame in (0, 1))
    centres_s = (first + (second - first) * np.arange(n_frames)) / RATE
    windows: list[torch.Tensor] = []
    truth = np.zeros((len(calls), n_frames, N_VOICES), np.float32)
    n_across = n_samples // n_begin
    for index, call in enumerate(calls):
        begin = int(draw.integers(len(call.power) - n_across - 1))
        at = begin * n_begin // (model.sincnet.stride * _POOL)
        power = call.power[begin + n_across] - call.power[begin]
        scale = 1 / (np.sqrt(power / (n_across * n_begin)) + _QUIET)
        windows.append(call.loudness[:, at : at + n_filtered].float() * scale)
        step = round(begin * _BEGIN_S / STEP_S)
        speech = call.speech[:, step : step + n_steps]
        truth[index, :, : len(speech)] = speech[:, (centres_s / STEP_S).astype(int)].T
    return torch.stack(windows), torch.from_numpy(truth)


def forward(model: "PyanNet", loudness: torch.Tensor) -> torch.Tensor:
    """Run the model as its own `forward` does, from behind its filters.

    Args:
        model: whose filters need no gradient.
        loudness: what they let through, ``(n_windows, n_filters, n_pooled)``.

    Returns:
        log-probabilities of shape ``(n_windows, n_frames, n_classes)``.
    """
    sinc = model.sincnet
    with torch.autocast("cpu", torch.bfloat16):
        hidden = F.leaky_relu(sinc.norm1d[0](loudness))
        for layer in (1, 2):
            pooled = sinc.pool1d[layer](sinc.conv1d[layer](hidden))
            hidden = F.leaky_relu(sinc.norm1d[layer](pooled))
        hidden, _ = model.lstm(hidden.transpose(1, 2))
        for linear in model.linear:
            hidden = F.leaky_relu(linear(hidden))
        logits = model.classifier(hidden)
    return F.log_softmax(logits.float(), dim=-1)


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
