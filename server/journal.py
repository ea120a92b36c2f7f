"""What was done to a live call, on disk beside its audio, until the call is over.

A line of JSON for each control, with the byte of audio at which it came, after a
first line that says whose call it is. Together with the audio this is all that a
call's log follows from, so a call can be taken up again after a crash.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, get_args

from pydantic import TypeAdapter, ValidationError

from audio.codec import AudioFormat, Encoding
from server.audio_log import is_in_place, write_all
from server.controls import Control
from server.errors import JournalError
from server.events import CallEndReason, CallStarted

SUFFIX = ".journal"


@dataclass(frozen=True, slots=True)
class Ending:
    """The call is to end after the audio that has come."""

    reason: CallEndReason


@dataclass(frozen=True, slots=True)
class Record:
    """Something done to a call.

    Attributes:
        at_byte: how much audio had come before it.
    """

    at_byte: int
    control: Control | Ending


@dataclass(frozen=True, slots=True)
class Header:
    """Whose call it is, and how its audio is written.

    Attributes:
        token: what a client shows to take the call over from another connection.
    """

    started: CallStarted
    encoding: Encoding
    rate: int
    token: str

    @property
    def format(self) -> AudioFormat:
        """How the audio is written."""
        return AudioFormat(self.encoding, self.rate, len(self.started.parties))


_HEADER = TypeAdapter(Header)
_KINDS: Mapping[str, TypeAdapter[Any]] = {
    cls.__name__: TypeAdapter(cls) for cls in (*get_args(Control), Ending)
}


class Journal:
    """The controls of one call, in the order in which they came. Blocking.

    Attributes:
        path: the file.
        header: whose call it is.
        records: what is on disk.
    """

    def __init__(
        self, path: Path, header: Header, records: list[Record], fileno: int
    ) -> None:
        self.path = path
        self.header = header
        self.records = records
        self._fileno = fileno
        self._n_bytes = os.fstat(fileno).st_size
        self._n_safe = 0

    @property
    def is_safe(self) -> bool:
        """Whether all of it would survive a loss of power."""
        return self._n_safe == self._n_bytes

    @classmethod
    def create(cls, folder: Path, header: Header) -> Self:
        """Begin the journal of a new call.

        Raises:
            OSError: it cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{header.started.call_id}{SUFFIX}"
        fileno = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        journal = cls(path, header, [], fileno)
        try:
            journal._write(_line(_HEADER.dump_python(header, mode="json")))
        except OSError:
            os.close(fileno)
            path.unlink(missing_ok=True)
            raise
        return journal

    @classmethod
    def open(cls, path: Path) -> Self:
        """Go on with the journal of a call that was cut short.

        A last line that is not whole was never acknowledged, and goes.

        Raises:
            JournalError: it is damaged.
            OSError: it cannot be read or written.
        """
        fileno = os.open(path, os.O_RDWR | os.O_APPEND)
        try:
            data = path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            first, *rest = whole.splitlines() or [b""]
            header = _HEADER.validate_json(first)
            records = [_read(line) for line in rest]
            os.ftruncate(fileno, len(whole))
        except (ValidationError, ValueError, KeyError) as error:
            os.close(fileno)
            raise JournalError(
                f"{path.name} is damaged: {type(error).__name__}"
            ) from error
        except OSError:
            os.close(fileno)
            raise
        return cls(path, header, records, fileno)

    def append(self, record: Record) -> None:
        """Write one more record.

        Raises:
            OSError: the disk is full or gone; nothing of it was written.
        """
        self._write(_line(_record_json(record)))
        self.records.append(record)

    def keep_place(self) -> None:
        """See that the file is where it should be; where it is gone, write it again.

        Raises:
            OSError: the folder is gone and cannot be made.
        """
        if is_in_place(self.path, self._fileno):
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            _line(_HEADER.dump_python(self.header, mode="json")),
            *map(_line, map(_record_json, self.records)),
        ]
        partial = self.path.with_suffix(".part")
        partial.write_bytes(b"".join(lines))
        partial.replace(self.path)
        os.close(self._fileno)
        self._fileno = os.open(self.path, os.O_RDWR | os.O_APPEND)
        self._n_bytes = os.fstat(self._fileno).st_size
        self._n_safe = 0

    def sync(self) -> None:
        """Wait until all of it would survive a loss of power.

        Raises:
            OSError: the disk is gone.
        """
        if not self.is_safe:
            os.fdatasync(self._fileno)
            self._n_safe = self._n_bytes

    def close(self) -> None:
        """Write no more; what was written stays as it is."""
        os.close(self._fileno)

    def delete(self) -> None:
        """The call is over and stored."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _write(self, line: bytes) -> None:
        try:
            write_all(self._fileno, line)
        except OSError:
            os.ftruncate(self._fileno, self._n_bytes)
            raise
        self._n_bytes += len(line)


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _record_json(record: Record) -> dict[str, Any]:
    kind = type(record.control).__name__
    body = _KINDS[kind].dump_python(record.control, mode="json")
    return {"at_byte": record.at_byte, "kind": kind, "body": body}


def _read(line: bytes) -> Record:
    data = json.loads(line)
    control = _KINDS[data["kind"]].validate_python(data["body"])
    return Record(int(data["at_byte"]), control)
