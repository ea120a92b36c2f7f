"""What the customer wants most, from one utterance after the other."""

from dataclasses import dataclass

from emotion.events import CustomerKind, CustomerKindChanged, WordReading


@dataclass(frozen=True, slots=True)
class CustomerKindParams:
    """When it is clear what a customer wants most; adopted.

    Attributes:
        enough: sum of probabilities from which on it is told: one clear utterance, or
            two that may mean it.
        lead: how far it has to be ahead of another one.
        half_life_s: after which an utterance counts half: who was heard wants
            something else next.
    """

    enough: float = 0.6
    lead: float = 0.25
    half_life_s: float = 60.0

    def __post_init__(self) -> None:
        if min(self.enough, self.lead, self.half_life_s) <= 0:
            raise ValueError(
                "expected values above 0, got "
                f"{self.enough}, {self.lead} and {self.half_life_s}"
            )


class CustomerKindVote:
    """Lets utterances vote for what the customer wants most. Pure.

    Args:
        params: when it is clear.

    Attributes:
        chosen: what it is so far; None while the words do not tell.
    """

    def __init__(self, params: CustomerKindParams) -> None:
        self.chosen: CustomerKind | None = None
        self._params = params
        self._votes = dict.fromkeys(CustomerKind, 0.0)
        self._latest_s = 0.0

    def feed(self, reading: WordReading) -> list[CustomerKindChanged]:
        """Take what an utterance says; return the change that follows, if any."""
        if reading.customer is None:
            return []
        passed_s = max(0.0, reading.end_s - self._latest_s)
        faded = 0.5 ** (passed_s / self._params.half_life_s)
        self._votes = {kind: vote * faded for kind, vote in self._votes.items()}
        self._latest_s = reading.end_s
        self._votes[reading.customer] += reading.customer_p
        first, second = sorted(self._votes.values(), reverse=True)[:2]
        after = max(self._votes, key=self._votes.__getitem__)
        clear = first >= self._params.enough and first - second >= self._params.lead
        if not clear or after is self.chosen:
            return []
        before, self.chosen = self.chosen, after
        p = reading.customer_p
        return [CustomerKindChanged(reading.end_s, before, after, p)]
