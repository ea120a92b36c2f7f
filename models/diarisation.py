"""Who speaks when on a mono line: a `Diariser` around pyannote's pipeline."""

import threading
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audio.frame import RATE
from models import diarisation_weights
from models.errors import InferenceError
from models.ports import Diarisation
from models.segmentation_input import narrowed

if TYPE_CHECKING:
    from pyannote.audio import Pipeline

_SHORTEST_S = 1.0


@dataclass(frozen=True, slots=True)
class DiarisationParams:
    """How voices are told apart.

    Attributes:
        pipeline: the user's own: a folder with a pyannote pipeline, or its name on
            the hub; empty: our own small models.
        n_speakers: voices that our own models tell apart; 0: found out, from two to
            `most_speakers`. The user's own pipeline always finds out by itself.
        most_speakers: see there. With three, a third is an agent to whom another hands
            over; with more, as in a meeting, anybody who is unlike the others.
    """

    pipeline: str = ""
    n_speakers: int = 0
    most_speakers: int = 3

    def __post_init__(self) -> None:
        if self.n_speakers < 0:
            raise ValueError(f"n_speakers must be 0 or more, got {self.n_speakers}")
        if self.most_speakers < 2:  # noqa: PLR2004  # a call has two parties
            raise ValueError(
                f"most_speakers must be 2 or more, got {self.most_speakers}"
            )


@dataclass(frozen=True)
class PyannoteDiariser:
    """A `Diariser`; loads its models at the first recording, which takes seconds.

    Args:
        params: how voices are told apart.
        token: of the user, for a gated pipeline on the hub.
        weights: of our own segmentation model.
    """

    params: DiarisationParams = field(default_factory=DiarisationParams)
    token: str = field(default="", repr=False)
    weights: Path = diarisation_weights.DEFAULT
    _running: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def name(self) -> str:
        """Name of the pipeline in use."""
        if self.params.pipeline:
            return f"pyannote {self.params.pipeline}"
        return f"{self.weights.stem} + CAM++"

    @cached_property
    def _pipeline(self) -> "Pipeline":
        diarisation_weights.silence_telemetry()
        with warnings.catch_warnings():
            # pyannote warns of decoders that are never used: audio comes as samples.
            warnings.simplefilter("ignore")
            from models import diarisation_pyannote  # noqa: PLC0415  # takes seconds

            params = self.params
            if params.pipeline:
                return diarisation_pyannote.users_pipeline(params.pipeline, self.token)
            return diarisation_pyannote.own_pipeline(self.weights)

    @property
    def _n_speakers(self) -> tuple[int, int] | None:
        """At least and at most so many voices; None: the pipeline finds out."""
        params = self.params
        if params.pipeline:
            return None
        if params.n_speakers:
            return params.n_speakers, params.n_speakers
        return 2, params.most_speakers

    def diarise(self, pcm: NDArray[np.float32]) -> Diarisation:
        """Find out who speaks when in a whole recording.

        Args:
            pcm: float32, shape ``(n_samples,)``, mono at 16 kHz, in [-1, 1].

        Raises:
            InferenceError: the models could not run on this input.
            WeightsError: weights are missing or not the ones expected.
        """
        if len(pcm) < _SHORTEST_S * RATE:
            return Diarisation((), ())
        if not self.params.pipeline:
            pcm = narrowed(pcm)
        with self._running, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipeline = self._pipeline
            from models import diarisation_pyannote  # noqa: PLC0415  # loaded by now

            try:
                return diarisation_pyannote.run(pipeline, pcm, self._n_speakers)
            except (RuntimeError, ValueError, IndexError) as error:
                raise InferenceError(
                    f"diarisation failed on {len(pcm) / RATE:.1f} s of audio"
                ) from error
