"""Keeps what the models heard in a call, so that they need not listen again."""

import hashlib
import io
import json
import zipfile
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from evaluation.calls_audio import Rendered
from evaluation.calls_run import Heard
from models.ports import VoiceReading


@dataclass(frozen=True, slots=True)
class HeardCache:
    """A folder with one file for each call, named after its sound and the models.

    Attributes:
        folder: made if needed; None keeps nothing.
        models: names and versions of the models, and checksums of their weights.
    """

    folder: Path | None
    models: tuple[str, ...]

    def load(self, rendered: Rendered) -> Heard:
        """Return what is kept of a call, or what is to be filled in."""
        file = self._file(rendered)
        if file is None or not file.is_file():
            return Heard()
        try:
            with file.open("rb") as opened, np.load(opened) as kept:
                speech = tuple(list(map(float, one)) for one in kept["speech"])
                rows = json.loads(str(kept["readings"]))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return Heard()  # Written in part, or by another version.
        readings = {
            (start, length): VoiceReading(*reading) for start, length, reading in rows
        }
        return Heard(speech, readings)

    def save(self, rendered: Rendered, heard: Heard) -> None:
        """Keep what the models heard."""
        file = self._file(rendered)
        if file is None or file.is_file():
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = [[*key, astuple(reading)] for key, reading in heard.readings.items()]
        content = io.BytesIO()
        np.savez_compressed(
            content, speech=np.array(heard.speech), readings=np.array(json.dumps(rows))
        )
        unfinished = file.with_suffix(".part")
        unfinished.write_bytes(content.getvalue())
        unfinished.replace(file)

    def _file(self, rendered: Rendered) -> Path | None:
        if self.folder is None:
            return None
        digest = hashlib.sha256(rendered.mulaw)
        digest.update("\0".join(self.models).encode())
        return self.folder / f"{digest.hexdigest()[:32]}.npz"
