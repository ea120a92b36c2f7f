"""The small classifier on top of the encoder, and the file it is kept in.

A file is a NumPy archive without pickled objects: a card, which is JSON, and arrays.
The card holds the checksum of the arrays, so that a file which was cut or changed is
found out, and the fingerprint of the encoder that the head was trained on.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from whisper.model import AudioEncoder

from models.errors import WeightsError
from models.voice_features import Sound, fingerprint
from models.voice_steps import Networks, Windows, packed, unpacked

FORMAT = 3

_FARTHEST = 20.0
"""Standard deviations beyond which a feature is an accident, not a voice."""

_REPAIR = "reinstall calmline, or train them again: python -m evaluation train_voice"


@dataclass(frozen=True, slots=True)
class Card:
    """What has to be known about a head besides its numbers.

    Attributes:
        name: of the set of weights, such as ``voice-permissive``.
        version: of the weights, ascending.
        licence: SPDX expression of the weights.
        trained_on: corpora.
        encoder: fingerprint of the encoder whose output it takes.
        blocks: after which blocks of the encoder the output is taken.
        angry_share: of the windows that the calibration was fitted to; a probability
            is honest where anger is as frequent. 0 in files that do not say.
        checksum: SHA-256 of the arrays; filled in when the file is written.
    """

    name: str
    version: str
    licence: str
    trained_on: tuple[str, ...]
    encoder: str
    blocks: tuple[int, ...]
    angry_share: float = 0.0
    checksum: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class VoiceHead:
    """A linear classifier, hidden units and networks, summed and calibrated.

    The networks hear a window step by step (`Sound.steps`). The others take
    standardised features (`Sound.pooled`), the hidden units the last ones: the mean
    of the last block.

    Attributes:
        card: what it is.
        centre: float32, shape ``(n_features,)``, subtracted from the features.
        scale: float32, shape ``(n_features,)``, which then divides them.
        weight: float32, shape ``(n_features,)``, of the linear part.
        hidden: float16, shape ``(n_hidden, n_state)``, weights of the hidden units,
            where `n_state` is the width of the encoder.
        hidden_bias: float32, shape ``(n_hidden,)``.
        output: float32, shape ``(n_hidden,)``, weights of the hidden units' answers.
        bias: of the logit.
        slope: of the calibration, which maps the logit to the one reported.
        offset: of the calibration.
        networks: those that hear steps; none in a head that does without.
    """

    card: Card
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    weight: NDArray[np.float32]
    hidden: NDArray[np.float16]
    hidden_bias: NDArray[np.float32]
    output: NDArray[np.float32]
    bias: float
    slope: float
    offset: float
    networks: Networks = field(default_factory=Networks)

    def logit(self, sound: Sound) -> float:
        """Return the calibrated log-odds of anger, in [-30, 30]."""
        return float(self.logits(sound.pooled[None], [sound.steps])[0])

    def logits(
        self, features: NDArray[np.float32], steps: Windows
    ) -> NDArray[np.float64]:
        """Return the calibrated log-odds of anger of many windows, in [-30, 30].

        Args:
            features: float32, shape ``(n_windows, n_features)``: `Sound.pooled`.
            steps: of each window: `Sound.steps`.
        """
        n_state = self.hidden.shape[1]
        x = self.standardised(features)
        hidden = x[:, -n_state:] @ self.hidden.T.astype(np.float32) + self.hidden_bias
        raw = x @ self.weight + np.maximum(hidden, 0) @ self.output + self.bias
        if self.networks.members:
            raw = raw + self.networks.weighed(steps)
        logits = self.slope * raw.astype(np.float64) + self.offset
        result: NDArray[np.float64] = np.clip(logits, -30, 30)
        return result

    def standardised(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring features to the spread they had in training; accidents are cut."""
        x: NDArray[np.float32] = (features - self.centre) / self.scale
        return np.clip(x, -_FARTHEST, _FARTHEST)

    def probability(self, sound: Sound) -> float:
        """Return the calibrated probability of anger."""
        return float(1 / (1 + np.exp(-self.logit(sound))))

    def save(self, path: Path) -> None:
        """Write the head to a file, whole or not at all."""
        arrays = _arrays(self)
        card = replace(self.card, checksum=_checksum(arrays))
        text = json.dumps({"format": FORMAT} | asdict(card), indent=2)
        buffer = io.BytesIO()
        np.savez(
            buffer,
            card=np.frombuffer(text.encode(), np.uint8),
            **arrays,  # type: ignore[arg-type]  # none of them is called allow_pickle
        )
        scratch = path.with_name(path.name + ".part")
        scratch.write_bytes(buffer.getvalue())
        scratch.replace(path)


def check_encoder(encoder: AudioEncoder, head: VoiceHead) -> None:
    """Make sure that a head can take what an encoder gives.

    Raises:
        WeightsError: the head was trained on another encoder.
    """
    found, n_state = fingerprint(encoder), encoder.conv1.out_channels
    shapes = ((len(head.card.blocks) + 1) * n_state,), (len(head.output), n_state)
    if found != head.card.encoder or (head.weight.shape, head.hidden.shape) != shapes:
        raise WeightsError(
            f"the voice weights {head.card.name} {head.card.version} belong to the "
            f"encoder {head.card.encoder}, got {found}; use Whisper base, or train "
            "weights for this encoder: python -m evaluation train_voice"
        )


def load_head(path: Path) -> VoiceHead:
    """Read a head and check that it is whole.

    Raises:
        WeightsError: the file is missing, corrupted or of another format.
    """
    try:
        # Read whole first: np.load leaves a damaged file open.
        content = io.BytesIO(path.read_bytes())
        with np.load(content, allow_pickle=False) as archive:
            card = _card(path, archive["card"])
            arrays = {name: archive[name] for name in archive.files if name != "card"}
    except FileNotFoundError as error:
        raise WeightsError(
            f"the voice weights {path.name} are missing; {_REPAIR}"
        ) from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise _corrupted(path) from error
    if not set(_NAMES) <= set(arrays) or card.checksum != _checksum(arrays):
        raise _corrupted(path)
    bias, slope, offset = (float(value) for value in arrays["scalars"])
    return VoiceHead(
        card,
        arrays["centre"],
        arrays["scale"],
        arrays["weight"],
        arrays["hidden"],
        arrays["hidden_bias"],
        arrays["output"],
        bias,
        slope,
        offset,
        unpacked(arrays),
    )


_NAMES = ("centre", "scale", "weight", "hidden", "hidden_bias", "output", "scalars")


def _arrays(head: VoiceHead) -> dict[str, NDArray[np.float32] | NDArray[np.float16]]:
    scalars = np.array([head.bias, head.slope, head.offset], np.float32)
    return packed(head.networks) | {
        "centre": head.centre,
        "scale": head.scale,
        "weight": head.weight,
        "hidden": head.hidden,
        "hidden_bias": head.hidden_bias,
        "output": head.output,
        "scalars": scalars,
    }


def _checksum(
    arrays: dict[str, NDArray[np.float32] | NDArray[np.float16]],
) -> str:
    digest = hashlib.sha256()
    for name in (*_NAMES, *sorted(set(arrays) - set(_NAMES))):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _card(path: Path, raw: NDArray[np.uint8]) -> Card:
    fields = json.loads(raw.tobytes())
    if not isinstance(fields, dict):
        raise _corrupted(path)
    if (found := fields.pop("format", None)) != FORMAT:
        raise WeightsError(
            f"the voice weights {path.name} have format {found}, expected {FORMAT}; "
            f"{_REPAIR}"
        )
    try:
        card = Card(**fields)
    except TypeError as error:
        raise _corrupted(path) from error
    return replace(card, trained_on=tuple(card.trained_on), blocks=tuple(card.blocks))


def _corrupted(path: Path) -> WeightsError:
    return WeightsError(f"the voice weights {path.name} are corrupted; {_REPAIR}")
