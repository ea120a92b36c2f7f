"""Who speaks when, by ear: Silero's detector, run directly by onnxruntime.

The model for sequences is used: frames that come together cost half as much as one by
one, and the answers are the same to the last bit (docs/evaluation.md, Capacity).
"""

import threading
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import onnxruntime
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from audio.frame import FRAME_SAMPLES, Frame
from models.silero_weights import PACKAGE, silero_path

_CONTEXT_SAMPLES = 64
"""End of the frame before, which the model wants to hear again at 16 kHz.

Source: silero-vad 6.2.3, silero_vad/utils_vad.py, `OnnxWrapper`.
"""

_STATE_SHAPE = (1, 1, 128)

_opening = threading.Lock()
_session: onnxruntime.InferenceSession | None = None


def _shared_session() -> onnxruntime.InferenceSession:
    """Open the model once per process: it holds no state, so all may run it."""
    global _session  # noqa: PLW0603  # the one place that opens it, under its lock
    with _opening:
        if _session is None:
            options = onnxruntime.SessionOptions()
            # A frame is too little work to share between threads.
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
            _session = onnxruntime.InferenceSession(
                str(silero_path()), options, providers=["CPUExecutionProvider"]
            )
        return _session


class SileroDetector:
    """A `SpeechDetector`: one for each party of each call, frames in order.

    The first one made opens the model (about 0.1 s); the others share it.

    Raises:
        WeightsError: the model is missing or not the expected one.
    """

    name: ClassVar[str] = PACKAGE.replace("==", " ")
    """Name and version of the weights."""

    def __init__(self) -> None:
        self._session = _shared_session()
        self._hidden: NDArray[np.float32] = np.zeros(_STATE_SHAPE, np.float32)
        self._cell: NDArray[np.float32] = np.zeros(_STATE_SHAPE, np.float32)
        self._context: NDArray[np.float32] = np.zeros(_CONTEXT_SAMPLES, np.float32)

    def probabilities(self, frames: Sequence[Frame]) -> list[float]:
        """Probability in [0, 1] of speech in each of the party's next frames."""
        if not frames:
            return []
        heard = np.concatenate([self._context, *(frame.pcm for frame in frames)])
        self._context = heard[-_CONTEXT_SAMPLES:].copy()
        # Each frame with the end of the one before: windows that overlap.
        windows = sliding_window_view(heard, _CONTEXT_SAMPLES + FRAME_SAMPLES)
        output, self._hidden, self._cell = self._session.run(
            ["speech_probs", "hn", "cn"],
            {
                "input": windows[::FRAME_SAMPLES],
                "h": self._hidden,
                "c": self._cell,
            },
        )
        return [float(one) for one in output]
