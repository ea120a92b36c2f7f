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
from pyannote.audio import Inference, Pipeline
from pyannote.audio.pipelines.speaker_diarization import DiarizeOutput
from pyannote.audio.pipelines.utils import SpeakerDiarizationMixin
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
    MOMENT_STEPS,
    N_DIMENSIONS,
    STEP_SAMPLES,
    load_speaker_encoder,
    padded_samples,
    spectrogram,
)
from models.speech_detection import SileroDetector
from models.voice_clusters import means
from models.voice_pieces import changes, pieces

_LEAST_S = 0.6
"""A voice is grouped by pieces of this length and more, where there are any."""

_MOST_PIECES = 2_000
"""In a longer recording the longest pieces have to do: time grows with the square."""

_TWO = 2
_HALF = 0.5
_STEP_RATIO = 0.1
"""Windows of 8 s every 0.8 s."""

_STEP_S = _STEP_RATIO * WINDOW_S
_BATCH = 16
_PIECE_SAMPLES = round(PIECE_S * RATE)
_FRAME_STEPS = SEGMENTED_SAMPLES // STEP_SAMPLES
"""Steps of the speaker encoder in a frame of the segmentation model."""

_PAUSE_S = 0.3
_NO_SPEECH = 0.05
"""Where Silero is surer than this that nobody speaks, nobody does."""

_REACH_S = 0.5
"""So far from there. Both measured: docs/evaluation.md."""

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


class _Own(Pipeline):
    """Who speaks by the speaker encoder, when and how many by the segmentation model.

    A frame has speech, or two voices at once, where that is likelier than not by the
    mean over all windows that hear it, and where a detector that knows more noises does
    not rule it out. Pieces in which one person speaks are grouped; each moment is then
    whose mean voice it is most like.
    """

    def __init__(self, segmentation: Segmentation) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyannote's
        self._segmentation = _Sliding(
            segmentation,
            duration=WINDOW_S,
            step=_STEP_S,
            skip_aggregation=True,
            skip_conversion=True,
            batch_size=_BATCH,
        )
        self._encoder = load_speaker_encoder()
        self._voices_in = np.asarray(diarisation_weights.powerset().mapping) > 0
        self._frames = segmentation.receptive_field

    def apply(
        self, file: Any, min_speakers: int = 1, max_speakers: int = _TWO
    ) -> DiarizeOutput:
        """See pyannote's own."""
        pcm: torch.Tensor = file["waveform"][0]
        n_voices, changing = self._told(self.get_segmentations(file), pcm.numpy())
        found = pieces(n_voices, changing)
        if not n_voices.any():
            return self._output(file, np.zeros((len(n_voices), 0), np.int_), n_voices)
        with torch.inference_mode():
            heard = self._heard(pcm, len(n_voices) * _FRAME_STEPS)
            alone = torch.from_numpy(n_voices == 1).repeat_interleave(_FRAME_STEPS)
            people = self._people(heard, alone, found, (min_speakers, max_speakers))
            around = self._encoder.around(heard, alone).numpy()
        alike = _nearest_known(around) @ people.T
        alike = alike.repeat(MOMENT_STEPS // _FRAME_STEPS, axis=0)[: len(n_voices)]
        rank = (-alike).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
        return self._output(file, rank, n_voices)

    def get_segmentations(self, file: Any) -> SlidingWindowFeature:
        """Return how likely each class is, as a logarithm, window by window."""
        scores: SlidingWindowFeature = self._segmentation(file)
        return scores

    def _told(
        self, scores: SlidingWindowFeature, pcm: NDArray[np.float32]
    ) -> tuple[NDArray[np.int_], NDArray[np.float32]]:
        """Say of each frame how many speak, and whether the voice changes."""
        likely = np.exp(scores.data)
        at_once = self._voices_in.sum(axis=1)
        told = [
            likely[:, :, at_once >= least].sum(axis=-1, keepdims=True)
            for least in range(1, N_AT_ONCE + 1)
        ]
        told.append(changes(self._voices_in[likely.argmax(axis=-1)]))
        mean = Inference.aggregate(
            SlidingWindowFeature(np.concatenate(told, axis=2), scores.sliding_window),
            self._frames,
            missing=0.0,
        )
        how_many, changing = np.split(mean.data, [N_AT_ONCE], axis=1)
        n_voices = (how_many > _HALF).sum(axis=1) * self._possible(pcm, len(mean.data))
        return n_voices, changing

    def _possible(self, pcm: NDArray[np.float32], n_frames: int) -> NDArray[np.bool_]:
        """Say of each frame of the model whether somebody may speak in it."""
        possible = speech_possible(pcm)
        middles_s = (np.arange(n_frames) + _HALF) * SEGMENTED_SAMPLES / RATE
        places = (middles_s / FRAME_S).astype(int).clip(0, len(possible) - 1)
        found: NDArray[np.bool_] = possible[places]
        return found

    def _heard(self, pcm: torch.Tensor, n_steps: int) -> torch.Tensor:
        """Have the speaker encoder listen to a recording, piece by piece."""
        n_samples = padded_samples(n_steps)
        mel = spectrogram(F.pad(pcm[:n_samples], (0, max(0, n_samples - len(pcm)))))
        parts = torch.split(mel, _PIECE_SAMPLES // HOP_SAMPLES)
        return torch.cat([self._encoder.heard(part) for part in parts])

    def _people(
        self,
        heard: torch.Tensor,
        alone: torch.Tensor,
        found: list[tuple[int, int]],
        n_speakers: tuple[int, int],
    ) -> NDArray[np.float32]:
        """Return the mean voice of each person, shape ``(n_people, 192)``.

        Where nobody can be described, there is one person like all others.
        """
        steps = np.array(found, np.int_).reshape(-1, 2) * _FRAME_STEPS
        spoken = [int(alone[begin:end].sum()) for begin, end in steps]
        seconds = np.array(spoken, np.float32) * (STEP_SAMPLES / RATE)
        longest = (-seconds).argsort(kind="stable")[:_MOST_PIECES]
        enough = longest[seconds[longest] >= _LEAST_S]
        if len(enough) < n_speakers[0]:
            enough = longest
        voices = np.full((len(enough), N_DIMENSIONS), np.nan, np.float32)
        for index, (begin, end) in enumerate(steps[enough]):
            voices[index] = self._encoder(heard[begin:end], alone[None, begin:end])
        known = ~np.isnan(voices).any(axis=1)
        if not known.any():
            return np.zeros((1, N_DIMENSIONS), np.float32)
        voices, seconds = voices[known], seconds[enough[known]]
        begins = steps[enough[known], 0]
        groups = told_apart(voices, seconds, begins, *n_speakers, PeopleParams())
        return means(voices, seconds, groups)

    def _output(
        self, file: Any, rank: NDArray[np.int_], n_voices: NDArray[np.int_]
    ) -> DiarizeOutput:
        """Give each frame to as many as speak in it, those that rank first."""
        told = [
            self._annotation(file["uri"], rank < np.minimum(n_voices, most)[:, None])
            for most in (N_AT_ONCE, 1)
        ]
        return DiarizeOutput(*told)

    def _annotation(self, uri: str, speaks: NDArray[np.bool_]) -> Annotation:
        found: Annotation = SpeakerDiarizationMixin.to_annotation(
            SlidingWindowFeature(speaks.astype(np.float32), self._frames),
            min_duration_off=_PAUSE_S,
        )
        found.uri = uri
        names = {label: f"SPEAKER_{label:02d}" for label in found.labels()}
        renamed: Annotation = found.rename_labels(mapping=names)
        return renamed


def _nearest_known(voices: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take for a moment without a voice the one nearest to it, or none at all."""
    known = np.flatnonzero(~np.isnan(voices).any(axis=1))
    if not len(known):
        return np.zeros_like(voices)
    halfway = (known[1:] + known[:-1]) / 2
    nearest = known[np.searchsorted(halfway, np.arange(len(voices)))]
    found: NDArray[np.float32] = voices[nearest]
    return found


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
    return _Own(segmentation)


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
