"""Both parties' speech to overlaps, interruptions, answers and silences."""

import math
from dataclasses import dataclass

from audio.errors import PartyError
from audio.events import (
    Interrupted,
    LongSilence,
    Overlapped,
    Responded,
    SpeechEnded,
    SpeechStarted,
    TurnTakingEvent,
)
from audio.frame import Party


@dataclass(frozen=True, slots=True)
class TurnTakingParams:
    """What counts in the turn-taking of a call. All values are our choice.

    Attributes:
        backchannel_s: speech or overlap that is shorter is a back-channel
            ("mm-hm"), which supports the speaker and takes nothing from them.
        surely_s: speech that is longer is none, whatever is said; between the two
            the words tell ("mm-hm, yes, okay").
        yield_s: who begins this long before the other ends has interrupted; a
            shorter overlap is the ordinary haste of a turn change.
        long_silence_s: silence worth telling.
        hangover_s: how late `SpeechEnded` comes, the endpointer's hangover.

    Raises:
        ValueError: a value is not positive, or the silence not longer than the
            hangover.
    """

    backchannel_s: float = 0.8
    surely_s: float = 2.0
    yield_s: float = 0.3
    long_silence_s: float = 10.0
    hangover_s: float = 0.6

    def __post_init__(self) -> None:
        if min(self.backchannel_s, self.yield_s, self.hangover_s) <= 0:
            raise ValueError(
                "times must be positive, got backchannel_s "
                f"{self.backchannel_s}, yield_s {self.yield_s}, "
                f"hangover_s {self.hangover_s}"
            )
        if not self.backchannel_s <= self.surely_s:
            raise ValueError(
                "surely_s must be at least backchannel_s, got "
                f"{self.surely_s} and {self.backchannel_s}"
            )
        if not self.hangover_s < self.long_silence_s:
            raise ValueError(
                "long_silence_s must be longer than hangover_s, got "
                f"{self.long_silence_s} and {self.hangover_s}"
            )


@dataclass(slots=True)
class _Voice:
    """One party's latest speech, in seconds of call time.

    Attributes:
        start_s: when it began.
        end_s: when the latest speech that is over ended.
        speaking: it goes on, as far as is known.
        is_new: it began at this very moment; what that means is told at the end
            of the moment, when both parties' events are known.
    """

    start_s: float = -math.inf
    end_s: float = -math.inf
    speaking: bool = False
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class _Claim:
    """Somebody began while the other spoke, and may yet prove to have interrupted."""

    by: Party
    at_s: float
    yielded_s: float

    def holds(self, spoke_until_s: float, least_s: float) -> bool:
        """Whether they spoke on after the other, and for `least_s` in all."""
        spoke_s = spoke_until_s - self.at_s
        return spoke_until_s > self.yielded_s and spoke_s >= least_s


class TurnTaking:
    """Follows who has the floor in a call between a customer and an agent.

    The words are those of conversation analysis, the definitions are made for
    speech that an endpointer has merged over short pauses:

    - *overlap*: both speak; told when the first of the two has stopped, if it
      lasted as long as a back-channel or longer.
    - *interruption*: a party begins at least `yield_s` before the other ends, goes
      on after that, and says more than a back-channel. Told as soon as
      that is certain, at the time when the party began: when the speech has become
      too long for one, else when its words are known. Who stops first has not
      interrupted, however long they tried.
    - *response*: the party who did not speak last begins, and the other has
      finished; the latency is the silence between. A turn change in overlap has
      none and is not told. A back-channel said into a silence is a response.
    - *long silence*: `long_silence_s` without speech, from the end of the latest
      speech or the start of the call; told once.

    Source: H. Sacks, E. Schegloff, G. Jefferson, "A simplest systematics for the
    organization of turn-taking for conversation", Language 50(4), 1974; latency as
    the floor transfer offset of M. Heldner, J. Edlund, "Pauses, gaps and overlaps in
    conversations", Journal of Phonetics 38(4), 2010.

    Pure and causal: what is returned depends on what was fed before. For each
    moment feed the events of both parties, in any order, then call `advance`.

    Args:
        params: what counts.
    """

    def __init__(self, params: TurnTakingParams) -> None:
        self._params = params
        self._voices = {Party.CUSTOMER: _Voice(), Party.AGENT: _Voice()}
        self._claim: _Claim | None = None
        self._unsure: dict[Party, _Claim] = {}
        self._told_silence_s = -math.inf

    def feed(self, event: SpeechStarted | SpeechEnded) -> list[TurnTakingEvent]:
        """Take a start or an end of speech; return what an end makes certain.

        What a start means depends on the other party's event of the same moment:
        `advance` tells it.

        Raises:
            PartyError: it is neither the customer's nor the agent's.
        """
        if event.party not in self._voices:
            raise PartyError(
                "turn-taking needs to know who is customer and who is agent, "
                f"got speech of {event.party}"
            )
        if isinstance(event, SpeechEnded):
            return self._end(event)
        voice = self._voices[event.party]
        voice.start_s = event.start_s
        voice.speaking = True
        voice.is_new = True
        return []

    def feed_words(
        self, party: Party, start_s: float, end_s: float, *, supports: bool
    ) -> list[TurnTakingEvent]:
        """Take what a stretch of speech turned out to be; return what that decides.

        Args:
            party: who spoke.
            start_s: when the stretch began, or a little before.
            end_s: when it ended.
            supports: the words, if there were any, are those of a back-channel.
        """
        claim = self._unsure.get(party)
        if claim is None or not start_s <= claim.at_s < end_s:
            return []
        del self._unsure[party]
        return [] if supports else [Interrupted(claim.by, claim.at_s)]

    def advance(self, now_s: float) -> list[TurnTakingEvent]:
        """Let time pass to `now_s`, all events of which have been fed."""
        told: list[TurnTakingEvent] = []
        for party in self._voices:
            told += self._begin(party)
        # Who was not said to have stopped spoke until one hangover ago.
        told += self._judge_claim(now_s - self._params.hangover_s)
        customer, agent = self._voices.values()
        if customer.speaking or agent.speaking:
            return told
        silent_since_s = max(customer.end_s, agent.end_s, 0.0)
        if (
            now_s - silent_since_s >= self._params.long_silence_s
            and silent_since_s > self._told_silence_s
        ):
            self._told_silence_s = silent_since_s
            told.append(LongSilence(silent_since_s))
        return told

    def _begin(self, party: Party) -> list[TurnTakingEvent]:
        """Tell what a new start means, unless the other's end will tell it."""
        voice, other = self._voices[party], self._other(party)
        if not voice.is_new:
            return []
        voice.is_new = False
        if other.speaking and other.start_s < voice.start_s:
            return []
        return self._take_floor(party)

    def _end(self, event: SpeechEnded) -> list[TurnTakingEvent]:
        told = self._begin(event.party)
        if self._claim is not None and self._claim.by is event.party:
            told += self._judge_claim(event.end_s)
            self._ask_for_words(event.end_s)
        voice = self._voices[event.party]
        voice.start_s = event.start_s
        voice.end_s = event.end_s
        voice.speaking = False
        other = Party.AGENT if event.party is Party.CUSTOMER else Party.CUSTOMER
        if self._voices[other].speaking:
            told += self._take_floor(other)
        return told

    def _take_floor(self, party: Party) -> list[TurnTakingEvent]:
        """Tell what it means that `party` speaks and the other has ended."""
        mine = self._voices[party]
        mine.is_new = False
        other = self._other(party)
        if other.end_s <= mine.end_s:
            return []  # The same party spoke last, or nobody did.
        if mine.start_s >= other.end_s:
            return [Responded(party, mine.start_s - other.end_s, mine.start_s)]
        if mine.start_s > other.start_s:
            self._claim_floor(party, mine.start_s, other.end_s)
        overlap_start_s = max(mine.start_s, other.start_s)
        if other.end_s - overlap_start_s < self._params.backchannel_s:
            return []
        return [Overlapped(overlap_start_s, other.end_s)]

    def _claim_floor(self, party: Party, at_s: float, yielded_s: float) -> None:
        if yielded_s - at_s >= self._params.yield_s:
            self._claim = _Claim(party, at_s, yielded_s)

    def _judge_claim(self, spoke_until_s: float) -> list[TurnTakingEvent]:
        """Tell the interruption if who made it has spoken on for long enough."""
        claim = self._claim
        if claim is None or not claim.holds(spoke_until_s, self._params.surely_s):
            return []
        self._claim = None
        return [Interrupted(claim.by, claim.at_s)]

    def _ask_for_words(self, end_s: float) -> None:
        """Leave it to the words, where the speech was too short to be sure."""
        claim, self._claim = self._claim, None
        if claim is not None and claim.holds(end_s, self._params.backchannel_s):
            self._unsure[claim.by] = claim

    def _other(self, party: Party) -> _Voice:
        if party is Party.CUSTOMER:
            return self._voices[Party.AGENT]
        return self._voices[Party.CUSTOMER]
