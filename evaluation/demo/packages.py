"""The packages that only rendering needs."""

import importlib
from types import ModuleType

from evaluation.demo.script import ScriptError


def imported(name: str) -> ModuleType:
    """Import a package of the extra ``synthesis``.

    Raises:
        ScriptError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ScriptError(
            f"rendering needs {name}; install it with: pip install '.[synthesis]'"
        ) from error
