"""What can go wrong at the desk.

DeskError
├── QueryError      a search, a page or a saved search is not what we take
├── IntakeError     a file, a folder or a table of calls cannot be imported
├── UnknownError    there is no call, job, review or card of this id
├── StateError      what is asked for does not fit what has happened before
└── RoomError       there is no room for what was sent
"""

from server.errors import ServerError


class DeskError(ServerError):
    """Base of every error of the desk."""


class QueryError(DeskError):
    """A search is not one that we take; the message says what was expected."""


class IntakeError(DeskError):
    """A file, a folder or a table of calls cannot be taken in."""


class UnknownError(DeskError):
    """There is nothing of this id."""


class StateError(DeskError):
    """What is asked for does not fit what has happened before."""


class RoomError(DeskError):
    """What was sent cannot be written: the disk is full, or gone."""


class Stopped(Exception):  # noqa: N818 - nothing has gone wrong
    """The file is left for later: its import is paused, or the worker stops."""
