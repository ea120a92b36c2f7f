"""Writes a call down as it comes, before anything listens to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from audio.codec import AudioFormat
from server.audio_log import AudioLog
from server.controls import Control
from server.events import (
    Consent,
    ConsentChanged,
    Degradation,
    Degraded,
    Paused,
    Recovered,
    Resumed,
)
from server.gate import ConsentGate
from server.journal import Ending, Journal, Record

MAX_HELD_BYTES = 4 << 20
"""What a call keeps in memory while the disk takes nothing: at 8 kHz and two channels
of companded audio more than four minutes. After that its sender has to wait."""


class Recorder:
    """The audio and the controls of one call, in order, on disk and to be read.

    What the disk does not take is held and acknowledged to nobody; it can be read
    all the same. Blocking. One thread writes, any other may read.

    Args:
        audio: where audio goes.
        journal: where controls go; with what it has already.

    Attributes:
        journal: see above.
        audio: see above.
        records: every control so far, stored or not.
        gate: what may be heard now.
        voice_sparse: the voice is to be read less often.
    """

    def __init__(self, audio: AudioLog, journal: Journal) -> None:
        self.audio = audio
        self.journal = journal
        self.records = list(journal.records)
        self.voice_sparse = False
        # The thread of a task that was cancelled goes on: it must not write into what
        # its successor writes, nor bring back the files of a call that is over.
        self._storing = threading.Lock()
        self._closed = False
        self.gate = ConsentGate(self.format, journal.header.started.consent)
        for record in self.records:
            self._mind(record.control)

    @property
    def format(self) -> AudioFormat:
        """How the audio is written."""
        return self.journal.header.format

    @property
    def full(self) -> bool:
        """Whether as much is held as may be."""
        return self.audio.n_held >= MAX_HELD_BYTES

    @property
    def ended(self) -> bool:
        """Whether the last thing that was done to the call is its end."""
        return bool(self.records) and isinstance(self.records[-1].control, Ending)

    def take_audio(self, data: bytes) -> bytes:
        """Hold audio, or silence where it may not be heard; return what is held."""
        heard = self.gate.apply(data)
        self.audio.append(heard)
        return heard

    def take_control(self, control: Control | Ending) -> None:
        """Hold a control at the byte that has been reached."""
        self._mind(control)
        self.records.append(Record(self.audio.n_received, control))

    def store(self) -> None:
        """Write what is held, in order; nothing once the files are closed.

        Raises:
            OSError: the disk is full or gone; what it did not take stays held.
        """
        with self._storing:
            if self._closed:
                return
            for record in self.records[len(self.journal.records) :]:
                self.audio.store(record.at_byte)
                self.journal.append(record)
            if self.audio.power_safe:
                self.journal.sync()
            self.audio.store()

    def keep_place(self) -> None:
        """See that the files are where they should be, and write them again if not.

        Raises:
            OSError: the folder is gone and cannot be made.
        """
        with self._storing:
            if not self._closed:
                self.audio.keep_place()
                self.journal.keep_place()

    def close(self) -> None:
        """Write no more; what is on disk stays for the next start."""
        with self._closing():
            self.audio.close()
            self.journal.close()

    def finish(self) -> None:
        """The call is over and its log is stored: leave a recording and nothing else.

        Raises:
            OSError: there is no room for the recording; all stays for the next start.
        """
        with self._closing():
            self.audio.finish()
            self.journal.delete()

    def delete(self) -> None:
        """Remove what was stored: the customer does not want it kept."""
        with self._closing():
            self.audio.delete()
            self.journal.delete()

    @contextmanager
    def _closing(self) -> Iterator[None]:
        """Let nothing be written any more, whatever comes of the files."""
        with self._storing:
            self._closed = True
            yield

    def _mind(self, control: Control | Ending) -> None:
        match control:
            case ConsentChanged(consent=consent):
                self.gate.consent = consent
            case Paused():
                self.gate.paused = True
            case Resumed():
                self.gate.paused = False
            case Degraded(what=Degradation.VOICE_SPARSE):
                self.voice_sparse = True
            case Recovered(what=Degradation.VOICE_SPARSE):
                self.voice_sparse = False
            case _:
                pass

    @property
    def refused(self) -> bool:
        """Whether the customer does not want anything kept."""
        return self.gate.consent is Consent.REFUSED
