"""When the words of somebody who is still speaking are worth reading. Pure."""

_GROWN = 1.75
"""About twice, with room for steps that end between two frames."""


class Unfinished:
    """Follows how much one party has said in an utterance that is not over.

    Args:
        step_s: speech after which the words so far may be read, and again each time
            as much has been added.
    """

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self._told_s = 0.0
        self._counted_s = 0.0

    def begin(self) -> None:
        """What is said from now on is another utterance."""
        self._told_s = self._counted_s = 0.0

    def grown(self, open_s: float) -> bool:
        """Tell, once for each step, that the utterance has grown by a further one."""
        if open_s < self._told_s + self._step_s:
            return False
        self._told_s = open_s
        return True

    def count(self) -> bool:
        """Count what has been said, if it is about twice as much as counted last.

        So an utterance that counts from its beginning is read once or twice more in
        all, however long it is.
        """
        if self._told_s < _GROWN * self._counted_s:
            return False
        self._counted_s = self._told_s
        return True
