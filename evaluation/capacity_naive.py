"""The naive way: each turn padded to 30 s, one at a time, plain openai-whisper."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import soxr
import torch
import whisper

from audio.frame import RATE
from evaluation.capacity_calls import LINE_RATE, LoadCall, Sentence
from evaluation.wer import Padded
from models.whisper_weights import checkpoint_path

_N_TIMED = 12
_HANGOVER_S = 0.6
_MOST_CALLS = 32


def time_naive(spoken: Sequence[Sentence], _settings: Sequence[str]) -> list[float]:
    """Seconds that plain Whisper takes for each of some turns, on every core."""
    model = whisper.load_model(str(checkpoint_path()), device="cpu").eval()
    way = Padded(model)
    step = max(1, len(spoken) // _N_TIMED)
    taken = []
    with torch.inference_mode():
        for one in spoken[::step]:
            wide = soxr.resample(one.pcm, LINE_RATE, RATE).astype(np.float32)
            before = time.perf_counter()
            way(wide, "en")
            taken.append(time.perf_counter() - before)
    return taken[1:] or taken  # The first one warms it up.


def naive_calls(
    build: Callable[[int], LoadCall],
    taken_s: Sequence[float],
    latest_s: float,
) -> int:
    """The most calls whose p95 stays within `latest_s`, in a perfect queue.

    Every turn waits for those that ended before it; nothing else costs anything,
    which flatters the naive way.
    """
    best = 0
    ends: list[float] = []
    for n_calls in range(1, _MOST_CALLS + 1):
        ends += [turn.end_s for turn in build(n_calls - 1).turns]
        free_s, late = 0.0, []
        for number, end_s in enumerate(sorted(ends)):
            asked_s = end_s + _HANGOVER_S
            free_s = max(free_s, asked_s) + taken_s[number % len(taken_s)]
            late.append(free_s - end_s)
        if not late or float(np.percentile(late, 95)) > latest_s:
            break
        best = n_calls
    return best
