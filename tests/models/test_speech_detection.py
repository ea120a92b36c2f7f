"""Our way of running Silero's model gives what its authors' way gives."""

import warnings

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from audio.frame import RATE, Frame, Party, whole_frames
from models.ports import SpeechDetector
from models.silero_weights import silero_path
from models.speech_detection import SileroDetector

pytestmark = pytest.mark.model


def test_probabilities_are_those_of_the_authors_python(
    spoken: NDArray[np.float32],
) -> None:
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what theirs imports, and "only 16000"
        utils_vad = pytest.importorskip("silero_vad.utils_vad")
        one_by_one = silero_path().with_name("silero_vad_16k_op15.onnx")
        theirs_model = utils_vad.OnnxWrapper(str(one_by_one), force_onnx_cpu=True)
    heard = whole_frames(spoken, Party.CUSTOMER)

    detector = SileroDetector()
    ours = detector.probabilities(heard)

    theirs = [float(theirs_model(torch.from_numpy(frame.pcm), RATE)) for frame in heard]
    assert ours == pytest.approx(theirs, abs=1e-5)


def test_speech_is_heard_and_silence_is_not(spoken: NDArray[np.float32]) -> None:
    detector: SpeechDetector = SileroDetector()
    silence = np.zeros(RATE, np.float32)

    before = detector.probabilities(whole_frames(silence, Party.CUSTOMER))
    during = detector.probabilities(whole_frames(spoken, Party.CUSTOMER))
    after = detector.probabilities(whole_frames(silence, Party.CUSTOMER))

    assert max(before) < 0.2
    assert np.mean(np.array(during) > 0.5) > 0.6
    assert max(after[8:]) < 0.2


def test_detectors_share_the_model_but_not_what_they_heard(
    spoken: NDArray[np.float32],
) -> None:
    heard = whole_frames(spoken, Party.CUSTOMER)
    alone = SileroDetector()
    expected = alone.probabilities(heard)

    one, other = SileroDetector(), SileroDetector()
    interleaved = []
    for frame in heard:
        interleaved += one.probabilities([frame])
        other.probabilities([Frame(-frame.pcm[::-1], frame.start, Party.AGENT)])

    assert interleaved == expected


@pytest.mark.parametrize("n_at_once", [1, 2, 7, 31])
def test_how_many_frames_come_at_once_changes_no_bit(
    spoken: NDArray[np.float32], n_at_once: int
) -> None:
    heard = whole_frames(spoken, Party.CUSTOMER)
    expected = SileroDetector().probabilities(heard)

    detector = SileroDetector()
    found = [
        p
        for at in range(0, len(heard), n_at_once)
        for p in detector.probabilities(heard[at : at + n_at_once])
    ]

    assert found == expected


def test_session_is_single_threaded() -> None:
    session: onnxruntime.InferenceSession = SileroDetector()._session

    options = session.get_session_options()

    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
