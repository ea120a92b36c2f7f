"""What supervisors and agents do to live calls, over HTTP."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from alerts.events import (
    BY_HAND,
    AlertAcknowledged,
    AlertClosed,
    AlertEnd,
    AlertEscalated,
    AlertOpened,
    AlertReopened,
    CuesMuted,
    CuesUnmuted,
    HelpAsked,
    HelpReason,
)
from server.bodies import Body, Name
from server.calls import LiveCalls
from server.controls import (
    AcknowledgeAlert,
    CloseAlert,
    DismissCue,
    OfferLine,
    SnoozeAlert,
    WithdrawHelp,
)
from server.errors import RefusedError
from server.events import Note, current
from server.live import LiveCall
from server.trust.access import Access, Permission, Viewer, needs
from server.trust.audit import Action, Detail

_Text = Annotated[str, Field(max_length=200)]


class _By(Body):
    by: Name


def _by_hand(reason: AlertEnd) -> AlertEnd:
    if reason not in BY_HAND:
        raise PydanticCustomError(
            "alert_reason",
            "one of {reasons} is expected",
            {"reasons": ", ".join(BY_HAND)},
        )
    return reason


class _Snooze(_By):
    for_s: Annotated[float, Field(ge=10, le=1800)]


class _Close(_By):
    reason: Annotated[AlertEnd, AfterValidator(_by_hand)]
    text: _Text = ""


class _Help(_By):
    reason: HelpReason
    text: _Text = ""


class _NewNote(_By):
    text: Annotated[str, Field(min_length=1, max_length=500)]


_Assists = Annotated[Viewer, needs(Permission.ASSIST)]
_Agent = Annotated[Viewer, needs(Permission.AGENT_SCREEN)]


def live_actions(calls: LiveCalls, access: Access) -> APIRouter:
    """Return the routes that act on the live calls of `calls`.

    What supervisors do is in the call's log and in the audit log, what agents do on
    their own screen in the call's log.
    """
    router = APIRouter(prefix="/v1/calls/{call_id}")

    def live_call(call_id: str) -> LiveCall:
        live = calls.by_id.get(call_id)
        if live is None:
            raise RefusedError(404, "no_live_call")
        return live

    _add_alerts(router, live_call, access)
    _add_help(router, live_call)
    _add_cues(router, live_call)

    @router.post("/notes", status_code=204)
    async def note(call_id: str, body: _NewNote, viewer: _Assists) -> None:
        live = live_call(call_id)
        await access.record(
            viewer, Action.NOTE, call_id, {"characters": len(body.text)}
        )
        await live.control(Note(body.text, viewer.signature(body.by)))

    return router


_Find = Callable[[str], LiveCall]


def _open_alerts(live: LiveCall) -> dict[str, bool]:
    """Ids of the alerts of a call that are open, and whether nobody has taken them."""
    found: dict[str, bool] = {}
    for entry in current(live.entries):
        match entry.event:
            case (
                AlertOpened(alert_id=alert_id)
                | AlertEscalated(alert_id=alert_id)
                | AlertReopened(alert_id=alert_id)
            ):
                found[alert_id] = True
            case AlertAcknowledged(alert_id=alert_id):
                found[alert_id] = False
            case AlertClosed(alert_id=alert_id):
                found.pop(alert_id, None)
            case _:
                pass
    return found


def _add_alerts(router: APIRouter, live_call: _Find, access: Access) -> None:
    def open_in(live: LiveCall, alert_id: str, *, untaken: bool = False) -> None:
        state = _open_alerts(live).get(alert_id)
        if state is None or (untaken and not state):
            raise RefusedError(404, "no_alert")

    @router.post("/alerts/{alert_id}/acknowledge", status_code=204)
    async def acknowledge(
        call_id: str, alert_id: str, body: _By, viewer: _Assists
    ) -> None:
        live = live_call(call_id)
        open_in(live, alert_id, untaken=True)
        await access.record(viewer, Action.ACKNOWLEDGE, call_id, {"alert_id": alert_id})
        await live.control(AcknowledgeAlert(alert_id, viewer.signature(body.by)))

    @router.post("/alerts/{alert_id}/snooze", status_code=204)
    async def snooze(
        call_id: str, alert_id: str, body: _Snooze, viewer: _Assists
    ) -> None:
        live = live_call(call_id)
        open_in(live, alert_id)
        detail: Detail = {"alert_id": alert_id, "for_s": body.for_s}
        await access.record(viewer, Action.SNOOZE, call_id, detail)
        by = viewer.signature(body.by)
        await live.control(SnoozeAlert(alert_id, by, body.for_s))

    @router.post("/alerts/{alert_id}/close", status_code=204)
    async def close(
        call_id: str, alert_id: str, body: _Close, viewer: _Assists
    ) -> None:
        live = live_call(call_id)
        open_in(live, alert_id)
        detail = {"alert_id": alert_id, "reason": str(body.reason)}
        await access.record(viewer, Action.CLOSE_ALERT, call_id, detail)
        by = viewer.signature(body.by)
        await live.control(CloseAlert(alert_id, by, body.reason, body.text))


def _add_help(router: APIRouter, live_call: _Find) -> None:
    @router.post("/help", status_code=204)
    async def help_asked(call_id: str, body: _Help, viewer: _Agent) -> None:
        by = viewer.signature(body.by)
        await live_call(call_id).control(HelpAsked(body.reason, body.text, by))

    @router.post("/help/withdraw", status_code=204)
    async def help_withdrawn(call_id: str, body: _By, viewer: _Agent) -> None:
        await live_call(call_id).control(WithdrawHelp(viewer.signature(body.by)))


def _add_cues(router: APIRouter, live_call: _Find) -> None:
    for_agents = [needs(Permission.AGENT_SCREEN)]

    @router.post("/cues/dismiss", status_code=204, dependencies=for_agents)
    async def dismiss(call_id: str) -> None:
        await live_call(call_id).control(DismissCue())

    @router.post("/cues/mute", status_code=204)
    async def mute(call_id: str, body: _By, viewer: _Agent) -> None:
        await live_call(call_id).control(CuesMuted(viewer.signature(body.by)))

    @router.post("/cues/unmute", status_code=204)
    async def unmute(call_id: str, body: _By, viewer: _Agent) -> None:
        await live_call(call_id).control(CuesUnmuted(viewer.signature(body.by)))

    @router.post("/cues/line", status_code=204, dependencies=for_agents)
    async def line(call_id: str) -> None:
        await live_call(call_id).control(OfferLine())
