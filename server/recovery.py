"""After a crash: gives calls that were cut short an end, and their audio a file."""

import asyncio
import logging
from pathlib import Path

from audio.codec import AudioFormat, Encoding
from server.audio_log import raw_to_flac
from server.events import CallEnded, CallEndReason, LogEntry
from server.storage import Storage
from server.store import CallSummary

logger = logging.getLogger(__name__)

_ALL = 1_000_000


async def finish_interrupted_calls(storage: Storage, recordings: Path) -> None:
    """End every call that an earlier run of the service left open.

    What had been written stays; the audio that was stored becomes a recording.
    """
    for summary in await storage.calls(live=True, limit=_ALL):
        entries = await storage.entries(summary.call_id)
        duration_s = await asyncio.to_thread(_rescue_audio, summary, recordings)
        seq = entries[-1].seq + 1 if entries else 1
        end = CallEnded(CallEndReason.SERVICE_FAILED, duration_s)
        await storage.append(summary.call_id, [LogEntry(seq, duration_s, end)])
        logger.warning("call had been cut short", extra={"call_id": summary.call_id})


def _rescue_audio(summary: CallSummary, recordings: Path) -> float:
    """Make the stored audio a recording; return how many seconds there are."""
    raw = recordings / f"{summary.call_id}.raw"
    if not raw.is_file():
        return 0.0
    audio_format = AudioFormat(
        Encoding(summary.encoding), summary.rate, len(summary.parties)
    )
    duration_s = raw.stat().st_size / audio_format.instant_bytes / summary.rate
    raw_to_flac(raw, raw.with_suffix(".flac"), audio_format)
    return duration_s
