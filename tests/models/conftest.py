"""Speech for tests that listen, and a Whisper small enough for tests that do not."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from whisper.model import ModelDimensions, Whisper

from audio.frame import RATE

_DATA = Path(__file__).parents[1] / "data"


def _recording(name: str) -> NDArray[np.float32]:
    pcm, rate = soundfile.read(_DATA / name, dtype="float32")
    resampled: NDArray[np.float32] = soxr.resample(pcm, rate, RATE)
    return resampled


@pytest.fixture(scope="session")
def spoken() -> NDArray[np.float32]:
    """English, 3.8 s: a morning's greeting, a wrong bill, a wish to know why."""
    return _recording("spoken.en.wav")


@pytest.fixture(scope="session")
def spoken_chinese() -> NDArray[np.float32]:
    """Mandarin: a greeting, then a question about last month's bill."""
    return _recording("spoken.zh.wav")


_DIMS = ModelDimensions(
    n_mels=80,
    n_audio_ctx=1500,
    n_audio_state=64,
    n_audio_head=4,
    n_audio_layer=2,
    n_vocab=51865,
    n_text_ctx=64,
    n_text_state=64,
    n_text_head=4,
    n_text_layer=3,
)

_DTYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)

Arrays = dict[str, NDArray[np.generic]]


def _tiny_whisper() -> Whisper:
    """Random half-precision numbers in single precision, the same each time."""
    torch.manual_seed(0)
    model = Whisper(_DIMS)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter).mul(0.1).half())
        model.encoder.positional_embedding.copy_(
            model.encoder.positional_embedding.half()
        )
    return model.eval()


def _as_arrays(model: Whisper) -> Arrays:
    """CTranslate2's names and grouping, written down a second time, from its side."""
    state = {k: v.half().numpy() for k, v in model.state_dict().items()}
    arrays: Arrays = {
        "decoder/embeddings/weight": state["decoder.token_embedding.weight"]
    }
    heads = {"encoder": _DIMS.n_audio_head, "decoder": _DIMS.n_text_head}
    finals = {"encoder": "encoder.ln_post", "decoder": "decoder.ln"}
    for side, n_layers in (("encoder", 2), ("decoder", 3)):
        arrays[f"{side}/num_heads"] = np.array(heads[side], np.int16)
        arrays[f"{side}/pre_norm"] = np.array(1, np.int8)
        arrays[f"{side}/position_encodings/encodings"] = state[
            f"{side}.positional_embedding"
        ]
        _norm(arrays, state, f"{side}/layer_norm", finals[side])
        for i in range(n_layers):
            old, new = f"{side}.blocks.{i}", f"{side}/layer_{i}"
            attention = f"{new}/self_attention"
            _norm(arrays, state, f"{attention}/layer_norm", f"{old}.attn_ln")
            _linear(arrays, state, f"{attention}/linear_0", f"{old}.attn", "qkv")
            _linear(arrays, state, f"{attention}/linear_1", f"{old}.attn", "o")
            if side == "decoder":
                cross = f"{new}/attention"
                _norm(arrays, state, f"{cross}/layer_norm", f"{old}.cross_attn_ln")
                _linear(arrays, state, f"{cross}/linear_0", f"{old}.cross_attn", "q")
                _linear(arrays, state, f"{cross}/linear_1", f"{old}.cross_attn", "kv")
                _linear(arrays, state, f"{cross}/linear_2", f"{old}.cross_attn", "o")
            _norm(arrays, state, f"{new}/ffn/layer_norm", f"{old}.mlp_ln")
            _linear(arrays, state, f"{new}/ffn/linear_0", f"{old}.mlp", "0")
            _linear(arrays, state, f"{new}/ffn/linear_1", f"{old}.mlp", "2")
    for conv in ("conv1", "conv2"):
        for part in ("weight", "bias"):
            arrays[f"encoder/{conv}/{part}"] = state[f"encoder.{conv}.{part}"]
    return arrays


_PARTS = {"q": "query", "k": "key", "v": "value", "o": "out", "0": "0", "2": "2"}


def _linear(
    arrays: Arrays,
    state: Mapping[str, NDArray[np.generic]],
    new: str,
    old: str,
    parts: str,
) -> None:
    weights = [state[f"{old}.{_PARTS[part]}.weight"] for part in parts]
    arrays[f"{new}/weight"] = np.concatenate(weights)
    arrays[f"{new}/bias"] = np.concatenate(
        [
            state.get(f"{old}.{_PARTS[part]}.bias", np.zeros(len(weight), np.float16))
            for part, weight in zip(parts, weights, strict=True)
        ]
    )


def _norm(
    arrays: Arrays, state: Mapping[str, NDArray[np.generic]], new: str, old: str
) -> None:
    arrays[f"{new}/gamma"] = state[f"{old}.weight"]
    arrays[f"{new}/beta"] = state[f"{old}.bias"]


def _as_model_bin(
    arrays: Arrays, *, version: int = 6, spec: str = "WhisperSpec"
) -> bytes:
    """Write arrays the way CTranslate2 writes a `model.bin`."""

    def name(text: str) -> bytes:
        data = text.encode() + b"\0"
        return struct.pack("<H", len(data)) + data

    out = [struct.pack("<I", version), name(spec), struct.pack("<II", 3, len(arrays))]
    for key, array in arrays.items():
        dtype = [np.dtype(known) for known in _DTYPES].index(array.dtype)
        out += [
            name(key),
            struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape),
            struct.pack("<BI", dtype, array.nbytes),
            array.tobytes(),
        ]
    out += [struct.pack("<I", 1), name("decoder/projection/weight")]
    return b"".join([*out, name("decoder/embeddings/weight")])


class WriteModelBin(Protocol):
    """Writes arrays the way CTranslate2 writes a `model.bin`."""

    def __call__(
        self, arrays: Arrays, *, version: int = 6, spec: str = "WhisperSpec"
    ) -> bytes: ...


@pytest.fixture(scope="session")
def tiny() -> Whisper:
    """A Whisper of random numbers that half precision can hold."""
    return _tiny_whisper()


@pytest.fixture(scope="session")
def tiny_arrays(tiny: Whisper) -> Arrays:
    """The tiny Whisper under CTranslate2's names and in its grouping."""
    return _as_arrays(tiny)


@pytest.fixture(scope="session")
def write_model_bin() -> WriteModelBin:
    return _as_model_bin
