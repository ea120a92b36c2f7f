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

if TYPE_CHECKING:
    from pyannote.audio import Pipeline

_SHORTEST_S = 1.0


@dataclass(frozen=True, slots=True)
class DiarisationParams:
    """How voices are told apart.

    Attributes:
        pipeline: the user's own: a folder with a pyannote pipeline, or its name on
            the hub; empty: our own small models.
        max_speakers: voices at most; a third is allowed for transfers.
        threshold: cosine distance between groups of windows from which on they are
            two speakers; of our own models only.
        smallest: windows that a speaker of his own is heard in at least; likewise.
    """

    pipeline: str = ""
    max_speakers: int = 3
    threshold: float = 0.35
    smallest: int = 3

    def __post_init__(self) -> None:
        if self.max_speakers < 1:
            raise ValueError(f"max_speakers must be 1 or more, got {self.max_speakers}")
        if not 0 < self.threshold < 2:  # noqa: PLR2004  # cosine distances end there
            raise ValueError(f"threshold must lie in (0, 2), got {self.threshold}")


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
        return f"{self.weights.stem} + GE2E"

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
            return diarisation_pyannote.own_pipeline(
                self.weights, params.threshold, params.smallest
            )

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
        with self._running, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipeline = self._pipeline
            from models import diarisation_pyannote  # noqa: PLC0415  # loaded by now

            try:
                return diarisation_pyannote.run(pipeline, pcm, self.params.max_speakers)
            except (RuntimeError, ValueError, IndexError) as error:
                raise InferenceError(
                    f"diarisation failed on {len(pcm) / RATE:.1f} s of audio"
                ) from error
