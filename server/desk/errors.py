"""What can go wrong at the desk.

DeskError
├── QueryError      a search, a page or a saved search is not what we take
├── IntakeError     a file, a folder or a table of calls cannot be imported
├── UnknownError    there is no call, job, review or card of this id
├── StateError      what is asked for does not fit what has happened before
└── RoomError       there is no room for what was sent
"""

from typing import Self

from alerts.faults import Fault
from server.errors import ToldError
from server.refusals import Refusal


class DeskError(ToldError):
    """Base of every error of the desk."""


class QueryError(DeskError):
    """A search is not one that we take; the message says what was expected."""

    @classmethod
    def of(cls, fault: Fault) -> Self:
        """Say what is wrong with a field."""
        return cls(Refusal.of_fault(fault))


class IntakeError(DeskError):
    """A file, a folder or a table of calls cannot be taken in."""


class UnknownError(DeskError):
    """There is nothing of this id."""

    status = 404


class StateError(DeskError):
    """What is asked for does not fit what has happened before."""

    status = 409


class RoomError(DeskError):
    """What was sent cannot be written: the disk is full, or gone."""

    status = 507


class Stopped(Exception):  # noqa: N818 - nothing has gone wrong
    """The file is left for later: its import is paused, or the worker stops."""
