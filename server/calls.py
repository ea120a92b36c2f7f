"""The calls now on the line: opened, resumed, ended, one never disturbing another."""

import asyncio
import hmac
import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from server.audio_log import AudioLog
from server.config import ServiceSettings
from server.errors import CloseCode, ProtocolError, StoreUnavailableError
from server.events import (
    CallEndReason,
    CallStarted,
    Consent,
    LogEntry,
    ModelsChanged,
)
from server.factory import CallFactory
from server.health import Problem
from server.hello import Hello
from server.intake import Line
from server.journal import Header, Journal
from server.live import LiveCall, Outside
from server.metrics import Metrics
from server.recorder import Recorder
from server.store import NewCall
from server.team_books import Kind

logger = logging.getLogger(__name__)

_STOP_S = 20.0
"""How long calls may take to end when the service stops. What is not done by then is
done by the next start, from what is on disk."""


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
        self.word_times = factory.models.word_times
        self._outside = outside
        self._metrics = metrics
        self._tasks = tasks
        self._calls: dict[str, LiveCall] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._opening: set[str] = set()
        self._closed = False

    @property
    def by_id(self) -> Mapping[str, LiveCall]:
        """The live calls."""
        return self._calls

    async def open(self, hello: Hello) -> tuple[LiveCall, Line]:
        """Begin the call that a client brings, or give it back the one it had.

        Who shows the call's token takes it from the connection that holds it: a
        client whose line broke knows that before the service does.

        Raises:
            ProtocolError: the customer refused, the id is taken or over, audio is
                missing, or there are too many calls.
        """
        if hello.consent is Consent.REFUSED:
            raise ProtocolError(CloseCode.REFUSED, "the customer refused")
        if self._closed:
            raise ProtocolError(CloseCode.STOPPING, "the service is stopping")
        call_id = hello.call_id or secrets.token_hex(8)
        if call_id in self._opening:
            raise ProtocolError(
                CloseCode.CALL_TAKEN, "another connection begins this call"
            )
        # Taken before anything is awaited: a second hello finds it taken.
        self._opening.add(call_id)
        try:
            live = self._calls.get(call_id)
            if live is None:
                live = await self._begin(call_id, hello)
            else:
                _check_resumable(live, hello)
            return live, await self._attach(live, hello)
        finally:
            self._opening.discard(call_id)

    async def _attach(self, live: LiveCall, hello: Hello) -> Line:
        try:
            return await live.attach(hello.from_byte)
        except BaseException:
            self._wait_for_client(live)
            raise

    async def _begin(self, call_id: str, hello: Hello) -> LiveCall:
        if len(self._calls) >= self._settings.max_calls:
            raise ProtocolError(
                CloseCode.TOO_MANY_CALLS,
                f"the service takes {self._settings.max_calls} calls at once",
            )
        if hello.from_byte:
            raise ProtocolError(
                CloseCode.AUDIO_MISSING, "nothing is known of this call: begin at 0"
            )
        await self._check_unused(call_id)
        now = datetime.now(UTC)
        team = self._settings.team_of(hello.agent_id, hello.team)
        started = CallStarted(
            call_id=call_id,
            agent_id=hello.agent_id,
            customer_ref=hello.customer_ref,
            language=hello.language,
            parties=hello.parties,
            consent=hello.consent,
            started_at=now.isoformat(timespec="milliseconds"),
            models=self._factory.models.names,
            team=team,
            rules=self._factory.version(Kind.RULES, team),
            playbook=self._factory.version(Kind.PLAYBOOK, team),
            first_speaker=hello.first_speaker,
        )
        header = Header(
            started, hello.format.encoding, hello.format.rate, secrets.token_urlsafe(16)
        )
        recorder = await self._open_recorder(header)
        await self._enter(NewCall(started, now, str(header.encoding), header.rate))
        live = LiveCall(self._factory.new_call(started), recorder, self._outside)
        self._run(live)
        logger.info("call started", extra={"call_id": call_id})
        return live

    async def _check_unused(self, call_id: str) -> None:
        """See that no call had this id.

        Raises:
            ProtocolError: one had, or nobody can tell.
        """
        try:
            if await self._outside.storage.call(call_id) is not None:
                raise ProtocolError(CloseCode.CALL_TAKEN, "this call is over")
        except StoreUnavailableError as error:
            self._outside.health.report(Problem.DATABASE, "calls", str(error))
            raise ProtocolError(
                CloseCode.NOT_NOW, "the database cannot be read; try again"
            ) from error

    async def _enter(self, call: NewCall) -> None:
        """Make the call known to the database; one that cannot be written is later."""
        try:
            await self._outside.storage.add_call(call)
        except StoreUnavailableError as error:
            self._outside.health.report(Problem.DATABASE, "calls", str(error))
        else:
            self._outside.health.clear(Problem.DATABASE, "calls")

    async def _open_recorder(self, header: Header) -> Recorder:
        """Make the files of a new call.

        Raises:
            ProtocolError: the disk takes nothing.
        """
        folder, call_id = self._settings.recordings, header.started.call_id
        try:
            journal = await asyncio.to_thread(Journal.create, folder, header)
            audio = await asyncio.to_thread(self._open_audio, header)
        except OSError as error:
            self._outside.health.report(Problem.DISK, "calls", error.strerror or "")
            raise ProtocolError(
                CloseCode.NOT_NOW, "audio cannot be stored now; try again"
            ) from error
        self._outside.health.clear(Problem.DISK, "calls")
        logger.debug("journal began", extra={"call_id": call_id})
        return Recorder(audio, journal)

    def _open_audio(self, header: Header) -> AudioLog:
        return AudioLog(
            self._settings.recordings,
            header.started.call_id,
            header.format,
            power_safe=self._settings.power_safe,
        )

    async def take_up(self, journal: Journal, log: Sequence[LogEntry]) -> None:
        """Go on with a call that an earlier run of the service left open."""
        header = journal.header
        audio = await asyncio.to_thread(self._open_audio, header)
        recorder = Recorder(audio, journal)
        names = header.started.models
        for record in recorder.records:
            if isinstance(record.control, ModelsChanged):
                names = record.control.models
        if names != self._factory.models.names and not recorder.ended:
            recorder.take_control(ModelsChanged(self._factory.models.names))
        call = self._factory.new_call(header.started)
        live = LiveCall(call, recorder, self._outside, log)
        self._run(live)
        self._tasks.create_task(self._give_up(live))
        logger.warning(
            "call is taken up again",
            extra={"call_id": header.started.call_id, "bytes": audio.n_bytes},
        )

    def detach(self, live: LiveCall, line: Line) -> None:
        """The client's line is gone; the call waits a while for it to come back."""
        live.detach(line)
        self._wait_for_client(live)

    def _wait_for_client(self, live: LiveCall) -> None:
        if live.line is None and not live.ended.is_set() and not self._closed:
            self._tasks.create_task(self._give_up(live))

    async def _give_up(self, live: LiveCall) -> None:
        """End a call that nobody has come back to."""
        n_lines = live.n_lines
        try:
            async with asyncio.timeout(self._settings.resume_window_s):
                await live.ended.wait()
        except TimeoutError:
            if live.n_lines == n_lines:
                await live.end(CallEndReason.LINE_LOST)

    def _run(self, live: LiveCall) -> None:
        self._calls[live.started.call_id] = live
        self._metrics.live_calls.set(len(self._calls))
        task = self._tasks.create_task(self._supervise(live))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _supervise(self, live: LiveCall) -> None:
        """Run a call to its end; whatever goes wrong in it stays in it."""
        call_id = live.started.call_id
        try:
            await self._run_to_end(live)
        except asyncio.CancelledError:
            logger.warning("call is left to the next start", extra={"call_id": call_id})
            await asyncio.to_thread(live.abandon)
            raise
        finally:
            del self._calls[call_id]
            self._metrics.live_calls.set(len(self._calls))
            self._metrics.calls.labels(str(live.end_reason)).inc()
            live.announce_end()
        logger.info(
            "call ended",
            extra={"call_id": call_id, "reason": str(live.end_reason)},
        )

    async def _run_to_end(self, live: LiveCall) -> None:
        try:
            await live.run()
        except Exception as error:
            logger.exception("call failed", extra={"call_id": live.started.call_id})
            await live.fail(error)

    async def close(self) -> None:
        """End every call because the service stops; returns when all are stored."""
        self._closed = True
        ending = [
            asyncio.ensure_future(live.end(CallEndReason.SERVICE_STOPPED))
            for live in list(self._calls.values())
        ]
        if not ending:
            return
        await asyncio.wait(ending, timeout=_STOP_S)
        for task in [*self._running, *ending]:
            task.cancel()
        await asyncio.gather(*ending, *self._running, return_exceptions=True)


def _check_resumable(live: LiveCall, hello: Hello) -> None:
    """See whether a client may have this call.

    Raises:
        ProtocolError: it is another's, is about to end, or had another format.
    """
    proven = hello.token is not None and hmac.compare_digest(
        hello.token.encode(), live.token.encode()
    )
    if hello.token is not None and not proven:
        raise ProtocolError(CloseCode.CALL_TAKEN, "the token is not this call's")
    if live.line is not None and not proven:
        raise ProtocolError(CloseCode.CALL_TAKEN, "another connection holds this call")
    if live.end_reason is not None:
        raise ProtocolError(CloseCode.CALL_TAKEN, "this call is over")
    if live.format != hello.format or live.started.parties != hello.parties:
        raise ProtocolError(
            CloseCode.BAD_MESSAGE, "the call began with another audio format"
        )
