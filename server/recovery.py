"""After a crash: takes up again the calls that were cut short."""

import asyncio
import logging
from pathlib import Path

from audio.codec import AudioFormat, Encoding
from server.audio_log import FLAC, RAW, AudioLog, raw_to_flac
from server.calls import LiveCalls
from server.errors import JournalError
from server.events import (
    CallEnded,
    CallEndReason,
    Consent,
    ConsentChanged,
    LogEntry,
)
from server.journal import SUFFIX, Journal
from server.storage import Storage
from server.store import CallSummary

logger = logging.getLogger(__name__)

_ALL = 1_000_000


async def recover_calls(calls: LiveCalls, storage: Storage, recordings: Path) -> None:
    """Go on with every call that an earlier run of the service left open.

    A call goes on from its audio and its journal and waits for its client; it is
    listened to again in the background. One that had ended is only tidied up. One
    whose journal is lost is ended with what had been written.
    """
    for path in await asyncio.to_thread(_journals, recordings):
        try:
            journal = await asyncio.to_thread(Journal.open, path)
        except JournalError as error:
            logger.warning("call cannot be taken up", extra={"detail": str(error)})
            await asyncio.to_thread(path.replace, path.with_suffix(".damaged"))
            continue
        call_id = journal.header.started.call_id
        summary = await storage.call(call_id)
        if summary is not None and summary.end_reason is not None:
            await asyncio.to_thread(_tidy_up, journal, recordings)
        else:
            await calls.take_up(journal, await storage.whole_log(call_id))
    for summary in await storage.calls(live=True, limit=_ALL):
        if summary.call_id not in calls.by_id:
            await _end(summary, storage, recordings)


def _journals(recordings: Path) -> list[Path]:
    return sorted(recordings.glob(f"*{SUFFIX}"))


def _tidy_up(journal: Journal, recordings: Path) -> None:
    """Finish what is left of a call whose log is whole: its recording."""
    call_id = journal.header.started.call_id
    raw = recordings / f"{call_id}{RAW}"
    refused = any(
        record.control == ConsentChanged(Consent.REFUSED) for record in journal.records
    )
    if raw.is_file():
        audio = AudioLog(recordings, call_id, journal.header.format)
        if refused:
            audio.delete()
        else:
            audio.finish()
    journal.delete()


async def _end(summary: CallSummary, storage: Storage, recordings: Path) -> None:
    """End a call of which there is no journal; what had been written stays."""
    entries = await storage.whole_log(summary.call_id)
    duration_s = await asyncio.to_thread(_rescue_audio, summary, recordings)
    seq = entries[-1].seq + 1 if entries else 1
    end = CallEnded(CallEndReason.SERVICE_FAILED, duration_s)
    await storage.append(summary.call_id, [LogEntry(seq, duration_s, end)])
    logger.warning("call had been cut short", extra={"call_id": summary.call_id})


def _rescue_audio(summary: CallSummary, recordings: Path) -> float:
    """Make the stored audio a recording; return how many seconds there are."""
    raw = recordings / f"{summary.call_id}{RAW}"
    if not raw.is_file():
        return 0.0
    audio_format = AudioFormat(
        Encoding(summary.encoding), summary.rate, len(summary.parties)
    )
    duration_s = raw.stat().st_size / audio_format.instant_bytes / summary.rate
    raw_to_flac(raw, raw.with_suffix(FLAC), audio_format)
    return duration_s
