"""A folder with a pyannote pipeline, laid out like community-1; and a hub that is shut.

The segmentation model is ours; the speaker encoder and the PLDA have random weights.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import lightning
import numpy as np
import torch
import yaml  # type: ignore[import-untyped]  # no stubs
from numpy.typing import NDArray
from pyannote.audio import Model, __version__
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.embedding import XVectorMFCC

from models import diarisation_weights

_DIMENSION = 16
_CONFIG = {
    "dependencies": {"pyannote.audio": __version__},
    "pipeline": {
        "name": "pyannote.audio.pipelines.SpeakerDiarization",
        "params": {
            "clustering": "VBxClustering",
            "segmentation": "$model/segmentation",
            "segmentation_batch_size": 4,
            "embedding": "$model/embedding",
            "embedding_batch_size": 4,
            "embedding_exclude_overlap": True,
            "plda": "$model/plda",
        },
    },
    "params": {
        "clustering": {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8},
        "segmentation": {"min_duration_off": 0.0},
    },
}


def write_pipeline(folder: Path) -> Path:
    """Write the pipeline; return its folder."""
    torch.manual_seed(0)
    (folder / "config.yaml").write_text(yaml.safe_dump(_CONFIG))
    segmentation, _ = diarisation_weights.load()
    _save(segmentation, folder / "segmentation")
    encoder = XVectorMFCC(mfcc={"melkwargs": {"n_mels": 40}}, dimension=_DIMENSION)
    encoder.specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=5.0
    )
    _save(encoder, folder / "embedding")
    plda = folder / "plda"
    plda.mkdir()
    one: NDArray[np.float64] = np.eye(_DIMENSION)
    nought = np.zeros(_DIMENSION)
    np.savez(plda / "xvec_transform.npz", mean1=nought, mean2=nought, lda=one)
    psi = np.linspace(2.0, 1.0, _DIMENSION)
    np.savez(plda / "plda.npz", mu=nought, tr=one, psi=psi)
    return folder


def _save(model: Model, folder: Path) -> None:
    folder.mkdir()
    about = {
        "versions": {"torch": torch.__version__, "pyannote.audio": __version__},
        "architecture": {
            "module": type(model).__module__,
            "class": type(model).__name__,
        },
        "specifications": model.specifications,
    }
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": lightning.__version__,
        "pyannote.audio": about,
    }
    torch.save(checkpoint, folder / "pytorch_model.bin")


@contextmanager
def closed_hub(status: int, why: str) -> Iterator[str]:
    """Serve a hub that answers every question with one refusal; give its address."""

    class Refusing(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:  # the name the base class calls
            self.send_response(status)
            self.send_header("X-Error-Code", why)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
