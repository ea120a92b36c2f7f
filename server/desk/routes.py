"""What the desk's routes have in common: who may ask, and who signs."""

from typing import Annotated

from server.trust.access import Permission, Viewer, needs

SeesCalls = Annotated[Viewer, needs(Permission.CALLS)]
Scores = Annotated[Viewer, needs(Permission.SCORE)]
Disputes = Annotated[Viewer, needs(Permission.DISPUTE)]
KeepsCards = Annotated[Viewer, needs(Permission.CARDS)]
TakesIn = Annotated[Viewer, needs(Permission.IMPORT)]
