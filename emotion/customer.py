"""All that is followed about one customer in one call."""

from dataclasses import dataclass, field, replace

from audio.events import SpeechEnded, SpeechStarted, TurnTakingEvent
from emotion.curve import CurveParams, HostilityCurve
from emotion.customer_kind import CustomerKindParams, CustomerKindVote
from emotion.events import (
    CustomerKind,
    CustomerKindChanged,
    Forecast,
    HostilityPoint,
    PhaseChanged,
    WordReading,
)
from emotion.forecast import Forecaster, ForecastParams, Outlook
from emotion.manner import Utterance, count_units
from models.ports import VoiceReading


@dataclass(frozen=True, slots=True)
class EmotionParams:
    """Settings of everything that follows the customer.

    Attributes:
        curve: the score and its phases.
        forecast: what comes next.
        kind: what the customer wants most.
    """

    curve: CurveParams = field(default_factory=CurveParams)
    forecast: ForecastParams = field(default_factory=ForecastParams)
    kind: CustomerKindParams = field(default_factory=CustomerKindParams)


class Customer:
    """Follows one customer through one call. Pure: time comes from `advance`.

    Call `advance` up to the moment at which something became known before it is
    fed; it counts from the next whole second on, and in the forecast at once.
    """

    def __init__(self, params: EmotionParams) -> None:
        self._words = params.curve.words
        self._curve = HostilityCurve(params.curve)
        self._forecaster = Forecaster(params.forecast)
        self._kind = CustomerKindVote(params.kind)
        self._latest: Utterance | None = None
        self._now_s = 0.0

    @property
    def outlook(self) -> Outlook:
        """What the latest forecast was made from."""
        return self._forecaster.outlook

    @property
    def kind(self) -> CustomerKind | None:
        """What the customer wants most; None while the words do not tell."""
        return self._kind.chosen

    def feed_voice(self, reading: VoiceReading) -> list[Forecast]:
        """Take how the customer sounded; return what it bodes, if that is worse.

        Raises:
            OrderError: the reading is older than the one before.
        """
        self._curve.feed_voice(reading)
        return self._glance()

    def feed_words(self, reading: WordReading) -> list[CustomerKindChanged | Forecast]:
        """Take what the customer said; return what it says about the kind, if new.

        Behind it what it bodes, if that is worse than before.
        """
        weighed = self._weighed(reading)
        self._curve.feed_words(weighed)
        believed = self._words.believed(weighed)
        self._forecaster.feed_words(replace(weighed, hostility=believed))
        return [*self._kind.feed(reading), *self._glance()]

    def feed_words_so_far(self, reading: WordReading) -> list[Forecast]:
        """Take unfinished words; what is read next takes their place.

        Returns:
            What they bode, if that is worse than before.
        """
        self._curve.feed_words_so_far(reading)
        self._forecaster.feed_words_so_far(reading)
        return self._glance()

    def feed_utterance(self, utterance: Utterance) -> None:
        """Take the words themselves, before `feed_words` takes what they count for."""
        self._latest = utterance
        self._curve.feed_utterance(utterance)

    def feed_turns(self, event: TurnTakingEvent) -> None:
        """Take how the turns went; only the customer's behaviour counts."""
        self._curve.feed_turns(event)
        self._forecaster.feed_turns(event)

    def feed_speech(self, event: SpeechStarted | SpeechEnded) -> None:
        """Take who speaks; only the customer's speech counts."""
        self._curve.feed_speech(event)

    def _glance(self) -> list[Forecast]:
        seen = self._forecaster.glance(self._now_s, self._curve.expected)
        return [] if seen is None else [seen]

    def _weighed(self, reading: WordReading) -> WordReading:
        said = self._latest
        if said is None or said.start_s != reading.start_s:
            return reading
        return self._words.doubted(reading, count_units(said))

    def advance(self, now_s: float) -> list[HostilityPoint | PhaseChanged | Forecast]:
        """Return what the whole seconds up to `now_s` bring.

        Each second has its point first, then the change of phase and the forecast,
        if there are any.

        Raises:
            OrderError: `now_s` lies before an earlier one.
        """
        self._now_s = now_s
        events: list[HostilityPoint | PhaseChanged | Forecast] = []
        forecasts: list[Forecast] = []
        for event in self._curve.advance(now_s):
            if isinstance(event, HostilityPoint):
                events += forecasts
                forecast = self._forecaster.feed(event)
                forecasts = [] if forecast is None else [forecast]
            events.append(event)
        return events + forecasts
