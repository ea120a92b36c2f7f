"""The weights of our segmentation model, and the file they are kept in."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from models.errors import WeightsError
from models.segmentation_input import N_AT_ONCE, N_VOICES

if TYPE_CHECKING:
    from pyannote.audio.utils.powerset import Powerset

    from models.segmentation import Segmentation

DEFAULT = Path(__file__).parent / "weights" / "diarisation-permissive.npz"


@dataclass(frozen=True, slots=True)
class SegmentationCard:
    """What is known about the weights.

    Attributes:
        name: of the weights.
        version: of the weights.
        licence: SPDX expression.
        trained_on: corpora.
        speakers: names of the speakers in them that were heard; no others.
    """

    name: str
    version: str
    licence: str
    trained_on: tuple[str, ...]
    speakers: tuple[str, ...]


def silence_telemetry() -> None:
    """Switch pyannote's telemetry off; before pyannote is imported."""
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"


def new_segmentation() -> "Segmentation":
    """Return the model with weights at random."""
    silence_telemetry()
    # Takes seconds: only calls with one channel wait for it.
    from models.segmentation import Segmentation  # noqa: PLC0415

    return Segmentation()


def powerset() -> "Powerset":
    """Return what translates between the model's classes and its voices."""
    silence_telemetry()
    from pyannote.audio.utils.powerset import Powerset  # noqa: PLC0415  # as above

    return Powerset(N_VOICES, N_AT_ONCE)


def save(path: Path, state: dict[str, torch.Tensor], card: SegmentationCard) -> None:
    """Write weights in half precision beside their card."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, tensor in state.items():
        arrays[name] = tensor.detach().cpu().numpy().astype(np.float16)
    arrays["card"] = np.array(json.dumps(asdict(card)))
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load(path: Path = DEFAULT) -> tuple["Segmentation", SegmentationCard]:
    """Read the model and its card.

    Raises:
        WeightsError: the file is missing, or not one that `save` wrote.
    """
    model = new_segmentation()
    try:
        with np.load(path, allow_pickle=False) as archive:
            fields = json.loads(str(archive["card"]))
            state = {
                name: torch.from_numpy(np.array(archive[name]))
                for name in archive.files
                if name != "card"
            }
        model.load_state_dict({name: value.float() for name, value in state.items()})
        card = SegmentationCard(
            name=fields["name"],
            version=fields["version"],
            licence=fields["licence"],
            trained_on=tuple(fields["trained_on"]),
            speakers=tuple(fields["speakers"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(
            f"{path.name} does not hold weights of the segmentation model; "
            "run: pip install --force-reinstall --no-deps calmline"
        ) from error
    return model.eval(), card
