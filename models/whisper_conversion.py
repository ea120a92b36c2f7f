"""From CTranslate2's file of Whisper weights to an openai-whisper checkpoint.

Nothing is rounded: both keep the same half-precision numbers, only named and grouped
differently. CTranslate2 joins query, key and value of the self-attention into one
matrix, and key and value of the cross-attention into another.

Source: https://github.com/OpenNMT/CTranslate2, python/ctranslate2/specs/model_spec.py
(binary version 6) and specs/whisper_spec.py.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from whisper.model import ModelDimensions

from models.errors import WeightsError

BINARY_VERSION = 6
SPEC_NAME = "WhisperSpec"

_DTYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
"""In the order of their identifiers in the file."""

Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What `whisper.load_model` reads from a file.

    Attributes:
        dims: the sizes of the network.
        state: tensors under openai-whisper's names, in the precision of the source.
    """

    dims: ModelDimensions
    state: Mapping[str, torch.Tensor]

    def as_saved(self) -> dict[str, object]:
        """Return the two entries that openai-whisper expects in the file."""
        return {"dims": asdict(self.dims), "model_state_dict": dict(self.state)}


def convert(model_bin: bytes) -> Checkpoint:
    """Convert the content of a `model.bin` that holds a Whisper model.

    Raises:
        WeightsError: the bytes are not CTranslate2's layout of a Whisper model.
    """
    try:
        arrays = _read_arrays(model_bin)
        return Checkpoint(_dims(arrays), _state(arrays))
    except (struct.error, KeyError, IndexError, ValueError) as error:
        raise WeightsError(
            "expected CTranslate2's layout of a Whisper model, "
            f"got something else: {error!r}"
        ) from error


def _read_arrays(data: bytes) -> dict[str, Array]:
    """Read every named array; they are views of `data`, not copies."""
    at = 0

    def take(layout: str) -> tuple[int, ...]:
        nonlocal at
        values: tuple[int, ...] = struct.unpack_from("<" + layout, data, at)
        at += struct.calcsize("<" + layout)
        return values

    def take_name() -> str:
        nonlocal at
        (length,) = take("H")
        name = data[at : at + length].rstrip(b"\0").decode("ascii")
        at += length
        return name

    (version,) = take("I")
    if version != BINARY_VERSION:
        raise ValueError(f"binary version {version}, not {BINARY_VERSION}")
    if (spec := take_name()) != SPEC_NAME:
        raise ValueError(f"spec {spec!r}, not {SPEC_NAME!r}")
    _revision, n_arrays = take("II")
    arrays: dict[str, Array] = {}
    for _ in range(n_arrays):
        name = take_name()
        (rank,) = take("B")
        shape = take(f"{rank}I")
        dtype, n_bytes = take("BI")
        flat = np.frombuffer(
            data, _DTYPES[dtype], count=int(np.prod(shape, dtype=np.int64)), offset=at
        )
        if flat.nbytes != n_bytes:
            raise ValueError(f"{name} has {n_bytes} bytes, not {flat.nbytes}")
        arrays[name] = flat.reshape(shape)
        at += n_bytes
    return arrays


def _n_layers(arrays: Mapping[str, Array], side: str) -> int:
    prefix = f"{side}/layer_"
    indexes = {
        name.removeprefix(prefix).split("/")[0]
        for name in arrays
        if name.startswith(prefix)
    }
    return len(indexes - {"norm"})  # the final norm is called `layer_norm`


def _dims(arrays: Mapping[str, Array]) -> ModelDimensions:
    audio_positions = arrays["encoder/position_encodings/encodings"].shape
    text_positions = arrays["decoder/position_encodings/encodings"].shape
    return ModelDimensions(
        n_mels=arrays["encoder/conv1/weight"].shape[1],
        n_audio_ctx=audio_positions[0],
        n_audio_state=audio_positions[1],
        n_audio_head=int(arrays["encoder/num_heads"]),
        n_audio_layer=_n_layers(arrays, "encoder"),
        n_vocab=arrays["decoder/embeddings/weight"].shape[0],
        n_text_ctx=text_positions[0],
        n_text_state=text_positions[1],
        n_text_head=int(arrays["decoder/num_heads"]),
        n_text_layer=_n_layers(arrays, "decoder"),
    )


def _state(arrays: Mapping[str, Array]) -> dict[str, torch.Tensor]:
    return {
        # A copy, because torch wants to own memory that it may write to.
        name: torch.from_numpy(np.array(array))
        for name, array in _renamed(arrays)
    }


def _renamed(arrays: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    for part in ("weight", "bias"):
        yield f"encoder.conv1.{part}", arrays[f"encoder/conv1/{part}"]
        yield f"encoder.conv2.{part}", arrays[f"encoder/conv2/{part}"]
    for side in ("encoder", "decoder"):
        yield (
            f"{side}.positional_embedding",
            arrays[f"{side}/position_encodings/encodings"],
        )
        for i in range(_n_layers(arrays, side)):
            yield from _layer(arrays, f"{side}/layer_{i}", f"{side}.blocks.{i}")
    yield "decoder.token_embedding.weight", arrays["decoder/embeddings/weight"]
    yield from _norm(arrays, "encoder/layer_norm", "encoder.ln_post")
    yield from _norm(arrays, "decoder/layer_norm", "decoder.ln")


def _layer(
    arrays: Mapping[str, Array], old: str, new: str
) -> Iterator[tuple[str, Array]]:
    attention = f"{old}/self_attention"
    yield from _norm(arrays, f"{attention}/layer_norm", f"{new}.attn_ln")
    yield from _joined(
        arrays, f"{attention}/linear_0", f"{new}.attn", ("query", "key", "value")
    )
    yield from _joined(arrays, f"{attention}/linear_1", f"{new}.attn", ("out",))
    cross = f"{old}/attention"
    if f"{cross}/linear_0/weight" in arrays:
        yield from _norm(arrays, f"{cross}/layer_norm", f"{new}.cross_attn_ln")
        cross_new = f"{new}.cross_attn"
        yield from _joined(arrays, f"{cross}/linear_0", cross_new, ("query",))
        yield from _joined(arrays, f"{cross}/linear_1", cross_new, ("key", "value"))
        yield from _joined(arrays, f"{cross}/linear_2", cross_new, ("out",))
    yield from _norm(arrays, f"{old}/ffn/layer_norm", f"{new}.mlp_ln")
    yield from _joined(arrays, f"{old}/ffn/linear_0", f"{new}.mlp", ("0",))
    yield from _joined(arrays, f"{old}/ffn/linear_1", f"{new}.mlp", ("2",))


def _norm(
    arrays: Mapping[str, Array], old: str, new: str
) -> Iterator[tuple[str, Array]]:
    yield f"{new}.weight", arrays[f"{old}/gamma"]
    yield f"{new}.bias", arrays[f"{old}/beta"]


def _joined(
    arrays: Mapping[str, Array], old: str, new: str, parts: tuple[str, ...]
) -> Iterator[tuple[str, Array]]:
    """Split one linear layer into the parts that it joins, along its outputs."""
    weights = np.split(arrays[f"{old}/weight"], len(parts))
    biases = np.split(arrays[f"{old}/bias"], len(parts))
    for part, weight, bias in zip(parts, weights, biases, strict=True):
        yield f"{new}.{part}.weight", weight
        if part != "key":
            yield f"{new}.{part}.bias", bias
        elif bias.any():
            raise ValueError(f"{old} has a key bias, which Whisper has not")
