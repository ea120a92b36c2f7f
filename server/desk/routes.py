"""What the desk's routes have in common: who may ask, and who signs."""

from typing import Annotated

from pydantic import Field

from server.trust.access import Permission, Viewer, needs

By = Annotated[str, Field(min_length=1, max_length=64)]
"""The name somebody signs with, where it is not known who they are."""

SeesCalls = Annotated[Viewer, needs(Permission.CALLS)]
Scores = Annotated[Viewer, needs(Permission.SCORE)]
Disputes = Annotated[Viewer, needs(Permission.DISPUTE)]
KeepsCards = Annotated[Viewer, needs(Permission.CARDS)]
TakesIn = Annotated[Viewer, needs(Permission.IMPORT)]
