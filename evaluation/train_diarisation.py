"""`python -m evaluation train_diarisation`: train the segmentation model.

Simulated calls of the speakers that are not held out, made up as training goes;
pyannote's `PyanNet` with powerset classes and its permutation-invariant loss. First
plain telephone lines, then every kind of noise, haste and room. What is kept is a
running mean of the weights. One seeded command; two hours on a busy machine.
"""

import argparse
import json
import time
from collections import deque
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
    STEP_SAMPLES,
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

if TYPE_CHECKING:
    from pyannote.audio.models.segmentation import PyanNet
    from pyannote.audio.utils.powerset import Powerset

_KERNEL = 251
_POOL = 3


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the model is trained.

    Attributes:
        steps: updates of the weights that the learning rate falls over.
        until: the step that ends it.
        batch: windows in one step.
        rate: learning rate at its highest.
        warm_up: steps until it is reached; it falls as a cosine afterwards.
        memory: calls that windows are cut from at a time.
        refresh: steps after which the oldest of them makes room for a new one.
        average: how much of the running mean of the weights stays at each step.
        speeds: every voice is also heard at these speeds, as another speaker.
        check: windows of held-out speakers that progress is measured on.
        every: steps between two such checks, each of which writes the weights.
        mixtures: how the calls go.
        varying: every call goes in a way of its own.
    """

    steps: int
    until: int
    batch: int = 8
    rate: float = 1.5e-3
    warm_up: int = 100
    memory: int = 96
    refresh: int = 3
    average: float = 0.998
    speeds: tuple[float, ...] = (0.88, 1.0, 1.14)
    check: int = 96
    every: int = 250
    mixtures: MixtureParams = field(default_factory=MixtureParams)
    varying: bool = False


RECIPES = (
    Recipe(steps=3600, until=3000),
    Recipe(
        steps=4200,
        until=500,
        rate=1.2e-3,
        memory=128,
        speeds=(0.84, 0.92, 1.0, 1.09, 1.19),
        mixtures=MixtureParams(
            far=0.2, babble=0.2, clatter=0.3, damaged=0.2, third=0.2
        ),
        varying=True,
    ),
)
"""What is trained on in turn, each from where the one before ended."""


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
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="0: torch's choice")


def run(args: argparse.Namespace) -> Report:
    """Train, write the weights, and report on speakers that were held out.

    Raises:
        DataError: a manifest or a recording is not what is needed.
    """
    if args.threads:
        torch.set_num_threads(args.threads)
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
    error = 0.0
    begin_with = args.begin_with
    for number, recipe in list(enumerate(RECIPES))[args.recipe - 1 :]:
        state = load(begin_with)[0].state_dict() if begin_with else None
        trainer = Trainer(heard, held_out, recipe, args.seed + number, state)
        for step in range(1, recipe.until + 1):
            loss = trainer.step(step)
            if step % recipe.every == 0 or step == recipe.until:
                error = trainer.check()
                save(args.out, trainer.mean_state(), card)
                print(
                    f"recipe {number + 1}, step {step}: loss {loss:.3f}, "
                    f"error {error:.1f} % of speech, "
                    f"{(time.monotonic() - began) / 60:.1f} min",
                    flush=True,
                )
        begin_with = args.out
    return Report(
        "train_diarisation",
        "+".join(folder.resolve().name for folder in args.data),
        [Figure("diarisation.window_error", error, "%")],
        [
            f"wrote {args.out.name}, {args.out.stat().st_size / 1024:.0f} KiB",
            f"recipes: {json.dumps([asdict(recipe) for recipe in RECIPES])}",
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


class Trainer:
    """The model, its optimiser and the calls it hears.

    Args:
        heard: voices to train on.
        held_out: voices to measure on.
        recipe: how.
        seed: decides everything that is left to chance.
        state: weights to begin with; None: at random.
    """

    def __init__(
        self,
        heard: tuple[Voice, ...],
        held_out: tuple[Voice, ...],
        recipe: Recipe,
        seed: int,
        state: dict[str, torch.Tensor] | None,
    ) -> None:
        torch.manual_seed(seed)
        self._recipe = recipe
        self._draw = np.random.default_rng(seed)
        self._voices = tuple(
            voice if speed == 1 else sped_up(voice, speed)
            for speed in recipe.speeds
            for voice in heard
        )
        self._model = new_segmentation().train()
        if state is not None:
            self._model.load_state_dict(state)
        self._powerset = powerset()
        # The filters stay where they are: evenly spaced on the mel scale.
        for parameter in self._model.sincnet.conv1d[0].parameters():
            parameter.requires_grad_(False)
        self._model.sincnet.wav_norm1d.requires_grad_(False)
        trained = [p for p in self._model.parameters() if p.requires_grad]
        self._optimiser = torch.optim.AdamW(trained, recipe.rate, weight_decay=0.01)
        self._mean = {k: v.clone() for k, v in self._model.state_dict().items()}
        self._calls: deque[Mixture] = deque(maxlen=recipe.memory)
        n_first = max(8, recipe.memory // 4)
        self._calls.extend(self._new_call() for _ in range(n_first))
        check = np.random.default_rng([seed, 1])
        self._check = [
            _window(
                simulate(held_out, self._params(check), check),
                self._model,
                check,
            )
            for _ in range(recipe.check)
        ]

    def step(self, number: int) -> float:
        """Update the weights once; return the loss before."""
        recipe = self._recipe
        if number % recipe.refresh == 0:
            self._calls.append(self._new_call())
        for group in self._optimiser.param_groups:
            group["lr"] = recipe.rate * _schedule(number, recipe)
        picked = self._draw.integers(len(self._calls), size=recipe.batch)
        windows = [_window(self._calls[i], self._model, self._draw) for i in picked]
        pcm = torch.from_numpy(np.stack([pcm for pcm, _ in windows]))
        truth = torch.from_numpy(np.stack([truth for _, truth in windows]))
        loss = _loss(self._powerset, forward(self._model, pcm), truth)
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        trained = [p for p in self._model.parameters() if p.requires_grad]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        self._optimiser.step()
        keep = min(recipe.average, (1 + number) / (10 + number))
        for name, value in self._model.state_dict().items():
            self._mean[name].lerp_(value, 1 - keep)
        return loss.item()

    def check(self) -> float:
        """Return the error on held-out speakers, in percent of their speech."""
        model = new_segmentation().eval()
        model.load_state_dict(self._mean)
        wrong = total = 0.0
        with torch.inference_mode():
            for pcm, truth in self._check:
                scores = model(torch.from_numpy(pcm)[None, None])
                heard = self._powerset.to_multilabel(scores)
                matched = _matched(heard, torch.from_numpy(truth)[None])
                n_heard, n_true = heard.sum(-1), matched.sum(-1)
                both = (heard * matched).sum(-1)
                wrong += float((torch.maximum(n_heard, n_true) - both).sum())
                total += float(n_true.sum())
        return 100 * wrong / total

    def mean_state(self) -> dict[str, torch.Tensor]:
        """The running mean of the weights."""
        return self._mean

    def _new_call(self) -> Mixture:
        return simulate(self._voices, self._params(self._draw), self._draw)

    def _params(self, draw: np.random.Generator) -> MixtureParams:
        recipe = self._recipe
        return varied(recipe.mixtures, draw) if recipe.varying else recipe.mixtures


def _schedule(step: int, recipe: Recipe) -> float:
    if step < recipe.warm_up:
        return step / recipe.warm_up
    done = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return float(0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * done)))


def _window(
    call: Mixture, model: "PyanNet", draw: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cut a window out of a call.

    Returns:
        pcm, float32, ``(n_samples,)`` at 16 kHz; and float32, ``(n_frames, 3)``, 1
        where the voice speaks.
    """
    n_steps = round(WINDOW_S / STEP_S)
    start = int(draw.integers(call.speech.shape[1] - n_steps + 1))
    narrow = call.pcm[start * STEP_SAMPLES : (start + n_steps) * STEP_SAMPLES]
    pcm = soxr.resample(narrow, LINE_RATE, RATE, quality="MQ").astype(np.float32)
    n_frames = model.num_frames(len(pcm))
    first, second = (model.receptive_field_center(frame) for frame in (0, 1))
    centres_s = (first + (second - first) * np.arange(n_frames)) / RATE
    speech = call.speech[:, start : start + n_steps]
    truth = np.zeros((n_frames, N_VOICES), np.float32)
    truth[:, : len(speech)] = speech[:, (centres_s / STEP_S).astype(int)].T
    return pcm, truth


def forward(model: "PyanNet", pcm: torch.Tensor) -> torch.Tensor:
    """Run the model as its own `forward` does, faster for filters that stay put.

    Args:
        model: whose filters need no gradient.
        pcm: shape ``(n_windows, n_samples)``.

    Returns:
        log-probabilities of shape ``(n_windows, n_frames, n_classes)``.
    """
    sinc = model.sincnet
    with torch.no_grad():
        normal = sinc.wav_norm1d(pcm[:, None])[:, 0]
        bank: Any = sinc.conv1d[0].filterbank
        filters = bank.filters()[:, 0].T
        heard = normal.unfold(1, _KERNEL, sinc.stride).reshape(-1, _KERNEL) @ filters
        heard = heard.reshape(len(pcm), -1, filters.shape[1]).abs()
        n_pooled = heard.shape[1] // _POOL
        heard = heard[:, : n_pooled * _POOL].unflatten(1, (n_pooled, _POOL)).amax(2)
        heard = heard.transpose(1, 2).contiguous()
    with torch.autocast("cpu", torch.bfloat16):
        hidden = F.leaky_relu(sinc.norm1d[0](heard))
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
