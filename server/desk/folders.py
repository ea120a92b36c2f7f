"""Finds the recordings in files and folders, with what their tables say of them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from server.desk.call_table import NAME, FileFacts, read_call_table
from server.desk.errors import IntakeError
from server.desk.imports import NewFile

_LOSSLESS = (".wav", ".wave", ".flac", ".aif", ".aiff", ".au", ".caf")
_LOSSY = (".mp3", ".ogg", ".oga", ".opus", ".m4a", ".mp4", ".aac", ".wma")
_TELEPHONE = (".amr", ".gsm", ".webm", ".mka", ".ulaw", ".ul", ".alaw", ".al")
SUFFIXES = frozenset((*_LOSSLESS, *_LOSSY, *_TELEPHONE))
"""Which files of a folder count as recordings."""


def find_recordings(
    paths: Sequence[Path], table: Mapping[str, FileFacts]
) -> Iterator[NewFile]:
    """Yield every recording in `paths`: files as they are, folders searched through.

    Args:
        paths: files and folders.
        table: facts by file name; a folder's own `calls.csv` comes before it.

    Raises:
        IntakeError: there is nothing at one of the paths, or a table is wrong.
    """
    for path in paths:
        if path.is_dir():
            yield from _in_folder(path.resolve(), table)
        elif path.is_file():
            yield _new_file(path.resolve(), table)
        else:
            raise IntakeError("no_such_path", path=str(path))


def _in_folder(folder: Path, table: Mapping[str, FileFacts]) -> Iterator[NewFile]:
    tables: dict[Path, Mapping[str, FileFacts]] = {}
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        if path.parent not in tables:
            tables[path.parent] = read_table_file(path.parent / NAME)
        yield _new_file(path, {**table, **tables[path.parent]})


def read_table_file(path: Path) -> Mapping[str, FileFacts]:
    """Read a table of calls; an empty one where there is no such file.

    Raises:
        IntakeError: it is not text, or not such a table.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    return read_call_table(data)


def _new_file(path: Path, table: Mapping[str, FileFacts]) -> NewFile:
    status = path.stat()
    facts = table.get(path.name, FileFacts())
    return NewFile(path, path.name, facts, status.st_size, status.st_mtime_ns)
