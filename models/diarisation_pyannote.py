"""pyannote's own pipeline, put together from our models or loaded as the user's.

Importing this module imports pyannote, which takes seconds and wants its telemetry
switched off before: only `models.diarisation` imports it.
"""

import pickle
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
from huggingface_hub.errors import RepositoryNotFoundError
from numpy.typing import NDArray
from pyannote.audio import Inference, Model, Pipeline
from pyannote.audio.core.plda import PLDA
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.audio.pipelines.clustering import AgglomerativeClustering
from pyannote.core import Annotation, SlidingWindow, SlidingWindowFeature
from scipy.ndimage import maximum_filter1d  # type: ignore[import-untyped]  # no stubs
from yaml import YAMLError  # type: ignore[import-untyped]  # no stubs

from audio.frame import FRAME_S, RATE, Party, whole_frames
from audio.speakers import Turn
from models import diarisation_weights
from models.errors import WeightsError
from models.ports import Diarisation
from models.recorded_voices import PeopleParams, told_apart
from models.segmentation import FRAME_SAMPLES as SEGMENTED_SAMPLES
from models.segmentation import Segmentation, encoded
from models.segmentation_input import N_AT_ONCE, PIECE_S, WINDOW_S
from models.speaker_encoder import (
    HOP_SAMPLES,
    N_DIMENSIONS,
    STEP_SAMPLES,
    load_speaker_encoder,
    padded_samples,
    spectrogram,
)
from models.speech_detection import SileroDetector

_LEAST_S = 0.4
_HALF = 0.5
_ACTIVE_RATIO = 0.2
"""Of a window, what a voice needs to say alone for people to be counted by it."""

_STEP_RATIO = 0.1
"""Windows of 8 s every 0.8 s."""

_STEP_S = _STEP_RATIO * WINDOW_S
_BATCH = 16
_PIECE_SAMPLES = round(PIECE_S * RATE)

_PAUSE_S = 0.3
_NO_SPEECH = 0.05
"""Where Silero is surer than this that nobody speaks, nobody does."""

_REACH_S = 0.5
"""So far from there. Both measured: docs/evaluation.md."""

_INACTIVE = -2
"""How pyannote's pipeline marks voices of a window that do not speak."""


_NO_ACCESS = (
    "the hub does not give the pipeline {}: accept its conditions there, and give your "
    "token in the variable that diarisation.token_env names; without access to the hub "
    "diarisation.pipeline takes a folder with a copy of it"
)
_UNUSABLE = (
    OSError,
    ValueError,
    RuntimeError,
    LookupError,
    TypeError,
    AttributeError,
    ImportError,
    pickle.UnpicklingError,
    YAMLError,
)
"""What pyannote's loader raises on files that are no pipeline, and pickles that are
none: a copy that was cloned without its large files holds pointers to them."""


class _Voices(Model):
    """Stands where the pipeline wants an encoder; `_Own` asks ours itself."""

    def __init__(self) -> None:
        super().__init__(sample_rate=RATE, num_channels=1)
        self.specifications = Specifications(
            problem=Problem.REPRESENTATION,
            resolution=Resolution.CHUNK,
            duration=WINDOW_S,
        )

    @property
    def dimension(self) -> int:
        """Numbers that describe a voice."""
        return N_DIMENSIONS


class _Grouping(AgglomerativeClustering):
    """pyannote's clustering with our way to group voices and to count people.

    Its own counts by a threshold between two groups, whatever their sizes.
    """

    def __init__(self) -> None:
        # Two voices that the model tells apart in one window are two people.
        super().__init__(metric="euclidean", constrained_assignment=True)
        self._windows = np.zeros(0, np.int_)

    def filter_embeddings(
        self,
        embeddings: NDArray[np.float32],
        segmentations: SlidingWindowFeature | None = None,
        min_active_ratio: float = _ACTIVE_RATIO,
    ) -> tuple[NDArray[np.float32], NDArray[np.int_], NDArray[np.int_]]:
        """See pyannote's own; which windows the voices are from is kept."""
        voices, windows, places = super().filter_embeddings(
            embeddings, segmentations, min_active_ratio
        )
        self._windows = windows
        return voices, windows, places

    def cluster(
        self,
        embeddings: NDArray[np.float32],
        min_clusters: int | None = None,
        max_clusters: int | None = None,
        num_clusters: int | None = None,
    ) -> NDArray[np.int_]:
        """See pyannote's own."""
        seconds = np.full(len(embeddings), _STEP_S, np.float32)
        least = num_clusters or min_clusters or 1
        most = num_clusters or max_clusters or len(embeddings)
        return told_apart(
            embeddings, seconds, self._windows, least, most, PeopleParams()
        )


class _Sliding(Inference):
    """Encodes a recording once, piece by piece, and slides the model's head over it.

    Its own way has the encoder hear every second ten times.
    """

    model: Segmentation

    def slide(
        self, waveform: torch.Tensor, sample_rate: int, hook: Any
    ) -> SlidingWindowFeature:
        """See pyannote's own."""
        n_samples = waveform.shape[1]
        window, step = (round(s * sample_rate) for s in (self.duration, self.step))
        n_windows = 1 + max(0, -(-(n_samples - window) // step))
        n_pieces = -(-((n_windows - 1) * step + window) // _PIECE_SAMPLES)
        padding = n_pieces * _PIECE_SAMPLES - n_samples
        padded = F.pad(waveform[0], (0, padding)).reshape(n_pieces, _PIECE_SAMPLES)
        frames: list[torch.Tensor] = []
        with torch.inference_mode():
            for piece in padded:
                frames.append(self.model.frames_of(encoded([piece.numpy()]))[0])
                if hook is not None:
                    hook(completed=len(frames), total=n_pieces)
            windows = torch.cat(frames).unfold(
                0, window // SEGMENTED_SAMPLES, step // SEGMENTED_SAMPLES
            )
            windows = windows[:n_windows].transpose(1, 2)
            told = [
                self.model.tell(windows[at : at + self.batch_size])
                for at in range(0, n_windows, self.batch_size)
            ]
        return SlidingWindowFeature(
            torch.cat(told).numpy(),
            SlidingWindow(start=0.0, duration=self.duration, step=self.step),
        )


class _NoPLDA(PLDA):
    """Stands where the pipeline would fetch a gated file that this way never uses."""

    def __init__(self) -> None:  # Nothing to load: `super().__init__` wants files.
        pass


class _Own(SpeakerDiarization):
    """pyannote's pipeline, which goes by how sure the model is over all windows.

    Its own way lets each window decide for itself and rounds the mean of how many
    speak. Here a frame has speech, or two voices at once, where that is likelier than
    not by the mean over all windows that hear it, and where a detector that knows more
    noises does not rule it out.
    """

    def __init__(self, segmentation: Segmentation) -> None:
        super().__init__(
            segmentation=segmentation,
            segmentation_step=_STEP_RATIO,
            embedding=_Voices(),
            plda=_NoPLDA(),
            clustering="AgglomerativeClustering",
        )
        self._segmentation = _Sliding(
            segmentation,
            duration=WINDOW_S,
            step=_STEP_S,
            skip_aggregation=True,
            skip_conversion=True,
            batch_size=_BATCH,
        )
        self._encoder = load_speaker_encoder()
        self.clustering = _Grouping()
        self._voices_in = np.asarray(diarisation_weights.powerset().mapping) > 0
        self._probabilities = np.zeros((0, 0, len(self._voices_in)), np.float32)
        self._possible = np.zeros(0, np.bool_)

    def get_segmentations(
        self,
        file: Any,
        hook: Any = None,
    ) -> SlidingWindowFeature:
        """See pyannote's own; the probabilities are kept beside what it gives."""
        scores: SlidingWindowFeature = super().get_segmentations(file, hook)
        self._probabilities = np.exp(scores.data)
        self._possible = speech_possible(file["waveform"][0].numpy())
        likeliest = self._probabilities.argmax(axis=-1)
        speaks = self._voices_in[likeliest].astype(np.float32)
        return SlidingWindowFeature(speaks, scores.sliding_window)

    def get_embeddings(
        self,
        file: Any,
        binary_segmentations: SlidingWindowFeature,
        exclude_overlap: bool = False,  # noqa: FBT001, FBT002  # as pyannote has it
        hook: Any = None,
    ) -> NDArray[np.float32]:
        """See pyannote's own; the encoder hears the recording once.

        A voice is described from where it speaks alone, or from all that it says in a
        window where that is too little.
        """
        del exclude_overlap, hook  # Always; it is over in no time.
        speaks = torch.from_numpy(binary_segmentations.data > 0)
        alone = speaks & (speaks.sum(dim=2, keepdim=True) == 1)
        frame_s = SEGMENTED_SAMPLES / RATE
        enough = alone.sum(dim=1, keepdim=True) * frame_s >= _LEAST_S
        masks = torch.where(enough, alone, speaks).transpose(1, 2)
        masks = masks.repeat_interleave(SEGMENTED_SAMPLES // STEP_SAMPLES, dim=2)
        n_windows, _, n_steps = masks.shape
        step = round(_STEP_S * RATE) // STEP_SAMPLES
        with torch.inference_mode():
            heard = self._heard(file["waveform"][0], (n_windows - 1) * step + n_steps)
            voices = [
                self._encoder(heard[at * step : at * step + n_steps], mask)
                for at, mask in enumerate(masks)
            ]
        return torch.stack(voices).numpy()

    def _heard(self, pcm: torch.Tensor, n_steps: int) -> torch.Tensor:
        """Have the speaker encoder listen to a recording, piece by piece."""
        n_samples = padded_samples(n_steps)
        mel = spectrogram(F.pad(pcm[:n_samples], (0, max(0, n_samples - len(pcm)))))
        pieces = torch.split(mel, _PIECE_SAMPLES // HOP_SAMPLES)
        return torch.cat([self._encoder.heard(piece) for piece in pieces])

    def reconstruct(
        self,
        segmentations: SlidingWindowFeature,
        hard_clusters: NDArray[np.int_],
        count: SlidingWindowFeature,
    ) -> SlidingWindowFeature:
        """See pyannote's own; as many at once as `count` has anywhere."""
        n_windows, n_frames, _ = self._probabilities.shape
        n_people = int(hard_clusters.max()) + 1
        at_once = self._voices_in.sum(axis=1)
        sure = np.zeros((n_windows, n_frames, n_people + N_AT_ONCE), np.float32)
        for window, people in enumerate(hard_clusters):
            for person in set(people.tolist()) - {_INACTIVE}:
                with_him = self._voices_in[:, people == person].any(axis=1)
                sure[window, :, person] = self._probabilities[window][:, with_him].sum(
                    axis=-1
                )
        for n_least in range(1, N_AT_ONCE + 1):
            sure[:, :, n_people + n_least - 1] = self._probabilities[
                :, :, at_once >= n_least
            ].sum(axis=-1)
        mean = Inference.aggregate(
            SlidingWindowFeature(sure, segmentations.sliding_window),
            count.sliding_window,
            missing=0.0,
        )
        whose, how_many = np.split(mean.data, [n_people], axis=-1)
        n_speak = (how_many > _HALF).sum(axis=-1, keepdims=True)
        n_speak = np.minimum(n_speak, count.data.max())
        rank = (-whose).argsort(axis=-1, kind="stable").argsort(axis=-1)
        speak = (rank < n_speak) & (whose > 0)
        speak &= self._possible_at(mean.sliding_window, len(speak))[:, None]
        return SlidingWindowFeature(speak.astype(np.float32), mean.sliding_window)

    def _possible_at(self, frames: SlidingWindow, n_frames: int) -> NDArray[np.bool_]:
        """Say of each frame of the pipeline whether somebody may speak in it."""
        middle_s = frames.start + frames.duration / 2
        at_s = middle_s + frames.step * np.arange(n_frames)
        places = (at_s / FRAME_S).astype(int).clip(0, len(self._possible) - 1)
        possible: NDArray[np.bool_] = self._possible[places]
        return possible


def speech_possible(pcm: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say of each frame of `audio` whether the speech detector hears any near it."""
    frames = whole_frames(pcm, Party.UNKNOWN)
    heard = np.array(SileroDetector().probabilities(frames))
    reach = 2 * round(_REACH_S / FRAME_S) + 1
    return np.asarray(maximum_filter1d(heard, reach) > _NO_SPEECH)


def own_pipeline(weights: Path) -> Pipeline:
    """Put pyannote's pipeline together from our two models.

    Args:
        weights: of the segmentation model.

    Raises:
        WeightsError: weights are missing or not the ones expected.
    """
    segmentation, _ = diarisation_weights.load(weights)
    pipeline = _Own(segmentation)
    # The threshold only says where to begin to look for the number of speakers asked.
    pipeline.instantiate(
        {
            "segmentation": {"min_duration_off": _PAUSE_S},
            "clustering": {"method": "ward", "threshold": 1.0, "min_cluster_size": 2},
        }
    )
    return pipeline


def users_pipeline(source: str, token: str) -> Pipeline:
    """Load the user's pipeline, from a folder or with his token from the hub.

    Args:
        source: a folder with `config.yaml` and what that names, or a name on the hub.
        token: of the user; empty: none.

    Raises:
        WeightsError: it cannot be had; the message says what to do about it.
    """
    try:
        # pyannote prints how to get access; our error says it.
        with redirect_stdout(StringIO()):
            pipeline = Pipeline.from_pretrained(source, token=token or None)
    except RepositoryNotFoundError as error:  # The hub says so of gated ones, too.
        raise WeightsError(_NO_ACCESS.format(source)) from error
    except _UNUSABLE as error:
        what = "is damaged or incomplete" if Path(source).exists() else "is not here"
        raise WeightsError(
            f"the pipeline {source} {what} ({type(error).__name__}); "
            "diarisation.pipeline takes a folder that holds one (config.yaml, and the "
            "models that it names), or the name of one on the hub"
        ) from error
    if not isinstance(pipeline, Pipeline):
        raise WeightsError(_NO_ACCESS.format(source))
    return pipeline


def run(
    pipeline: Pipeline, pcm: NDArray[np.float32], n_speakers: tuple[int, int] | None
) -> Diarisation:
    """Diarise a recording.

    Args:
        pipeline: one of the two above.
        pcm: float32, shape ``(n_samples,)``, mono at 16 kHz.
        n_speakers: at least and at most so many; None: as many as the pipeline finds.
    """
    least, most = n_speakers or (None, None)
    heard: Any = pipeline(
        {
            "waveform": torch.from_numpy(pcm)[None],
            "sample_rate": RATE,
            "uri": "call",
        },
        min_speakers=least,
        max_speakers=most,
    )
    if isinstance(heard, Annotation):  # As pipelines for older versions give it.
        return Diarisation(_turns(heard), ())
    return Diarisation(
        _turns(heard.speaker_diarization), _turns(heard.exclusive_speaker_diarization)
    )


def _turns(annotation: Annotation) -> tuple[Turn, ...]:
    tracks = annotation.itertracks(yield_label=True)
    return tuple(
        sorted(
            Turn(round(part.start, 3), round(part.end, 3), str(label))
            for part, _, label in tracks
        )
    )
