"""Rules and playbooks of teams, over HTTP: looked at, tried and saved."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from alerts.errors import PlaybookError, RulesError
from alerts.faults import Fault
from alerts.playbook import playbook_to_json, read_playbook_json
from alerts.ruleset import RuleSet, read_rules, rules_to_json
from emotion.events import CustomerKind, Phase, WordSign
from server.bodies import Body, Name
from server.errors import FieldError
from server.storage import Storage
from server.store import CallSummary
from server.team_books import Kind, TeamBooks
from server.trust.access import Access, Permission, Viewer, needs
from server.trust.audit import Action, Detail
from server.try_rules import would_open

_T = TypeVar("_T")

_Team = Annotated[str, Field(pattern=r"^[\w\-]{0,64}$")]
_May = Annotated[Viewer, needs(Permission.RULES)]
_MOST_CALLS = 200


class _Save(Body):
    """Attributes: body: rules or playbook; None: what is shipped."""

    team: _Team = ""
    by: Name
    body: dict[str, Any] | None


class _Try(Body):
    """Attributes: after, before: when the calls began; None: whenever."""

    team: _Team = ""
    body: dict[str, Any]
    calls: Annotated[int, Field(ge=1, le=_MOST_CALLS)] = _MOST_CALLS
    after: AwareDatetime | None = None
    before: AwareDatetime | None = None


class _Preview(Body):
    body: dict[str, Any]
    language: Literal["en", "zh"]
    phase: Phase
    codes: list[WordSign] = Field(default_factory=list)
    customer: CustomerKind | None = None


def _checked(read: Callable[[Mapping[str, Any]], _T], body: Mapping[str, Any]) -> _T:
    try:
        return read(body)
    except (PlaybookError, RulesError) as error:
        raise FieldError(error.fault or Fault("invalid")) from None


def team_pages(books: TeamBooks, storage: Storage, access: Access) -> APIRouter:
    """Return the routes of the pages on which teams edit their rules and playbook."""
    router = APIRouter(prefix="/v1")

    def book(kind: Kind, team: str) -> dict[str, Any]:
        edition = books.edition(kind, team)
        body = (
            rules_to_json(books.rules(edition.version))
            if kind is Kind.RULES
            else playbook_to_json(books.playbook(edition.version))
        )
        return {
            "team": team,
            "edition": asdict(edition),
            "teams": books.teams(kind),
            "body": body,
        }

    def add(kind: Kind) -> None:
        @router.get(f"/{kind}", dependencies=[needs(Permission.RULES)])
        async def look(team: _Team = "") -> dict[str, Any]:
            return book(kind, team)

        @router.put(f"/{kind}")
        async def save(change: _Save, viewer: _May) -> dict[str, Any]:
            by = viewer.signature(change.by)
            try:
                saved = await asyncio.to_thread(
                    books.save, kind, change.team, change.body, by
                )
            except (PlaybookError, RulesError) as error:
                raise FieldError(error.fault or Fault("invalid")) from None
            detail: Detail = {"kind": str(kind), "version": saved.version}
            await access.record(viewer, Action.RULES, "", detail)
            return book(kind, change.team)

    for kind in Kind:
        add(kind)
    _add_trials(router, storage, access)
    return router


def _add_trials(router: APIRouter, storage: Storage, access: Access) -> None:
    @router.post("/rules/try")
    async def try_rules(trial: _Try, viewer: _May) -> dict[str, Any]:
        rules = _checked(read_rules, trial.body)
        calls = await storage.ended_calls(
            trial.calls, trial.team, trial.after, trial.before
        )
        found = [alert for call in calls for alert in await _try(call, rules, storage)]
        await access.record(viewer, Action.RULES, "", {"tried_on": len(calls)})
        return {"calls": len(calls), "found": found}

    @router.post("/playbook/preview", dependencies=[needs(Permission.RULES)])
    async def preview(wanted: _Preview) -> list[dict[str, str]]:
        """Give the lines that an agent would be shown, the best first."""
        playbook = _checked(read_playbook_json, wanted.body)
        shown: list[dict[str, str]] = []
        for _ in range(_PREVIEWED):
            used = [line["id"] for line in shown]
            line = playbook.choose(
                wanted.phase, wanted.codes, wanted.customer, wanted.language, used
            )
            if line.line_id in used:
                break
            shown.append({"id": line.line_id, "text": line.text})
        return shown


_PREVIEWED = 3


async def _try(
    call: CallSummary, rules: RuleSet, storage: Storage
) -> list[dict[str, Any]]:
    entries = await storage.entries(call.call_id)
    opened = await asyncio.to_thread(would_open, rules, entries)
    return [
        {
            "call_id": call.call_id,
            "agent_id": call.agent_id,
            "started_at": call.started_at,
            "rule": alert.rule,
            "severity": alert.severity,
            "at_s": round(alert.at_s, 2),
        }
        for alert in opened
    ]
