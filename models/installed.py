"""Files of weights inside installed packages, found without importing the package."""

import importlib.metadata
from pathlib import Path


def installed_file(distribution: str, path: str) -> Path | None:
    """Locate a file of an installed distribution, None when it is not there.

    Args:
        distribution: the package's name, as pip knows it.
        path: where the file lies, counted from the folder of installed packages.
    """
    try:
        found = importlib.metadata.distribution(distribution).locate_file(path)
    except importlib.metadata.PackageNotFoundError:
        return None
    file = Path(str(found))
    return file if file.is_file() else None
