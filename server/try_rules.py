"""What rules would have told of a call that is over. Pure."""

from collections.abc import Sequence

from alerts.events import AlertOpened, HelpAsked
from alerts.rules import RuleEngine
from alerts.ruleset import RuleSet
from server.call import as_rules_see
from server.events import LogEntry

_STEP_S = 0.25
"""Time passes in steps of this between two entries; live it is a frame."""


def would_open(rules: RuleSet, entries: Sequence[LogEntry]) -> list[AlertOpened]:
    """The alerts that `rules` open on a stored log, calls for help left out.

    What supervisors did to the alerts of the log is not repeated: they were others.
    """
    engine = RuleEngine(rules)
    told: list[AlertOpened] = []
    now_s = 0.0
    for entry in entries:
        while now_s + _STEP_S < entry.at_s:
            now_s += _STEP_S
            told += _opened(engine, now_s)
        if not isinstance(entry.event, HelpAsked):
            engine.feed(as_rules_see(entry.event))
        now_s = max(now_s, entry.at_s)
        told += _opened(engine, now_s)
    return told


def _opened(engine: RuleEngine, now_s: float) -> list[AlertOpened]:
    return [e for e in engine.advance(now_s) if isinstance(e, AlertOpened)]
