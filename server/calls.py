"""The calls now on the line: opened, resumed, ended, one never disturbing another."""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from server.audio_log import AudioLog
from server.config import ServiceSettings
from server.errors import CloseCode, ProtocolError
from server.events import CallEndReason, CallStarted, Consent
from server.factory import CallFactory
from server.hello import Hello
from server.live import LiveCall, Outside
from server.metrics import Metrics
from server.store import NewCall

logger = logging.getLogger(__name__)


class LiveCalls:
    """Every live call by its id. Event loop only.

    Args:
        settings: limits and the folder for recordings.
        factory: makes the calls.
        outside: what each call needs of the service.
        metrics: where calls are counted.
        tasks: the group that the calls' tasks live in.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        factory: CallFactory,
        outside: Outside,
        metrics: Metrics,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._settings = settings
        self._factory = factory
        self._outside = outside
        self._metrics = metrics
        self._tasks = tasks
        self._calls: dict[str, LiveCall] = {}
        self._attached: set[str] = set()
        self._closed = False

    @property
    def by_id(self) -> Mapping[str, LiveCall]:
        """The live calls."""
        return self._calls

    async def open(self, hello: Hello) -> LiveCall:
        """Begin the call that a client brings, or give it back the one it had.

        Raises:
            ProtocolError: the customer refused, the id is taken or over, or there
                are too many calls.
        """
        if hello.consent is Consent.REFUSED:
            raise ProtocolError(CloseCode.REFUSED, "the customer refused")
        if self._closed:
            raise ProtocolError(CloseCode.STOPPING, "the service is stopping")
        call_id = hello.call_id or secrets.token_hex(8)
        if call_id in self._attached:
            raise ProtocolError(
                CloseCode.CALL_TAKEN, "another connection holds this call"
            )
        # Taken before anything is awaited: a second hello finds it taken.
        self._attached.add(call_id)
        try:
            return await self._begin_or_resume(call_id, hello)
        except BaseException:
            self._attached.discard(call_id)
            raise

    async def _begin_or_resume(self, call_id: str, hello: Hello) -> LiveCall:
        live = self._calls.get(call_id)
        if live is None:
            return await self._begin(call_id, hello)
        if live.format != hello.format:
            raise ProtocolError(
                CloseCode.BAD_MESSAGE, "the call began with another audio format"
            )
        return live

    async def _begin(self, call_id: str, hello: Hello) -> LiveCall:
        if len(self._calls) >= self._settings.max_calls:
            raise ProtocolError(
                CloseCode.TOO_MANY_CALLS,
                f"the service takes {self._settings.max_calls} calls at once",
            )
        if await self._outside.storage.call(call_id) is not None:
            raise ProtocolError(CloseCode.CALL_TAKEN, "this call is over")
        now = datetime.now(UTC)
        started = CallStarted(
            call_id=call_id,
            agent_id=hello.agent_id,
            customer_ref=hello.customer_ref,
            language=hello.language,
            parties=hello.parties,
            consent=hello.consent,
            started_at=now.isoformat(timespec="milliseconds"),
            models=self._factory.models.names,
            team=self._settings.team_of(hello.agent_id, hello.team),
        )
        await self._outside.storage.add_call(
            NewCall(started, now, str(hello.format.encoding), hello.format.rate)
        )
        audio_log = await asyncio.to_thread(
            AudioLog, self._settings.data_dir / "audio", call_id, hello.format
        )
        call = self._factory.new_call(started)
        live = LiveCall(started, hello.format, call, audio_log, self._outside)
        self._calls[call_id] = live
        self._metrics.live_calls.set(len(self._calls))
        self._tasks.create_task(self._supervise(live))
        logger.info("call started", extra={"call_id": call_id})
        return live

    def detach(self, live: LiveCall) -> None:
        """The client's line is gone; the call waits a while for it to come back."""
        call_id = live.started.call_id
        self._attached.discard(call_id)
        if call_id in self._calls and not self._closed:
            self._tasks.create_task(self._give_up(live, live.stored_bytes))

    async def _give_up(self, live: LiveCall, stored_bytes: int) -> None:
        """End a call that nobody has come back to."""
        try:
            async with asyncio.timeout(self._settings.resume_window_s):
                await live.ended.wait()
        except TimeoutError:
            away = live.started.call_id not in self._attached
            if away and live.stored_bytes == stored_bytes:
                await live.end(CallEndReason.LINE_LOST)

    async def _supervise(self, live: LiveCall) -> None:
        """Run a call to its end; whatever goes wrong in it stays in it."""
        call_id = live.started.call_id
        try:
            await live.run()
        except Exception:
            logger.exception("call failed", extra={"call_id": call_id})
            await live.fail()
        finally:
            del self._calls[call_id]
            self._metrics.live_calls.set(len(self._calls))
            self._metrics.calls.labels(str(live.end_reason)).inc()
            await live.announce_end()
        logger.info(
            "call ended",
            extra={"call_id": call_id, "reason": str(live.end_reason)},
        )

    async def close(self) -> None:
        """End every call because the service stops; returns when all are stored."""
        self._closed = True
        await asyncio.gather(
            *(
                live.end(CallEndReason.SERVICE_STOPPED)
                for live in list(self._calls.values())
            )
        )
