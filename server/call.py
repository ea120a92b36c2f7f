"""One call, from its first frame to its last entry. Pure: no clock, no I/O.

The log is a function of the audio, the controls and the models' answers, and of
nothing else: not of how fast the machine is, nor of how the bytes were cut. The
models are slow and run elsewhere, so the call asks for them and goes on; each
answer takes effect at a fixed call time after the question (*logical execution
time*). When an answer is not there by then, the call's time stands still until
it comes, while audio queues up. A call that is analysed from a file, replayed or
listened to live thus writes exactly the same log. docs/adr/0001 says why.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from alerts.events import CuesMuted, CuesUnmuted, LineOffered, Said
from alerts.pause_cue import PauseCue, PauseCueParams
from alerts.playbook import Line, Playbook
from alerts.rules import RuleEngine
from alerts.ruleset import RuleSet, load_rules
from audio.crosstalk import CrossTalk, CrossTalkParams
from audio.endpointer import Endpointer, EndpointerParams
from audio.events import (
    Interrupted,
    LongSilence,
    Overlapped,
    Responded,
    SpeechEnded,
    SpeechStarted,
)
from audio.frame import RATE, Frame, Party, Segment
from audio.turn_taking import TurnTaking, TurnTakingParams
from audio.windows import CustomerWindows, WindowParams
from emotion.backchannel import is_backchannel
from emotion.customer import Customer, EmotionParams
from emotion.events import HostilityPoint, Phase, WordReading
from emotion.manner import Utterance, count_units
from emotion.words import SHOWN, WordReader
from models.ports import SpeechDetector, Transcript, VoiceReading
from server.controls import (
    AcknowledgeAlert,
    AlertControl,
    AssignRoles,
    CloseAlert,
    Control,
    CueControl,
    DismissCue,
    OfferLine,
    SnoozeAlert,
    WithdrawHelp,
)
from server.events import (
    DIGITS,
    CallEnded,
    CallEndReason,
    CallStarted,
    Consent,
    ConsentChanged,
    Degradation,
    Degraded,
    Event,
    LogEntry,
    Recovered,
    TranscriptFinal,
    WordsRead,
    WordsSoFar,
)
from server.language import LanguageVote
from server.questions import (
    Agenda,
    PartialRequest,
    Question,
    SoFarRequest,
    UtteranceRequest,
    VoiceRequest,
)
from server.unfinished import Unfinished

_FALLBACK_LANGUAGE = "en"
"""Of the opening line, while the language of the call is not settled."""


@dataclass(frozen=True, slots=True)
class CallParams:
    """How a call is listened to.

    Attributes:
        words_latency_s: call time from the end of an utterance to its words.
        voice_latency_s: call time from the end of a window to its reading.
        partial_after_s: speech after which unfinished words are asked for, and
            again each time as much has been added.
        tense_score: score of the curve from which on the customer's unfinished words
            count (docs/adr/0006); below it, and while the service has more to do
            than it can, they are only shown.
        sparse_hop_s: speech between two voice readings while the service has more
            to do than it can (`Degradation.VOICE_SPARSE`).
    """

    words_latency_s: float = 0.5
    voice_latency_s: float = 0.25
    partial_after_s: float = 2.0
    tense_score: float = 10.0
    sparse_hop_s: float = 3.0
    cross_talk: CrossTalkParams = field(default_factory=CrossTalkParams)
    endpointer: EndpointerParams = field(default_factory=EndpointerParams)
    turn_taking: TurnTakingParams = field(default_factory=TurnTakingParams)
    windows: WindowParams = field(default_factory=WindowParams)
    emotion: EmotionParams = field(default_factory=EmotionParams)
    rules: RuleSet = field(default_factory=load_rules)
    pause_cue: PauseCueParams = field(default_factory=PauseCueParams)

    def __post_init__(self) -> None:
        if self.turn_taking.hangover_s != self.endpointer.hangover_s:
            raise ValueError(
                "turn-taking must know the endpointer's hangover of "
                f"{self.endpointer.hangover_s} s, it has {self.turn_taking.hangover_s}"
            )


Output = LogEntry | Question | PartialRequest


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """The same 32 ms of every party, and how probably each of them speaks."""

    frames: tuple[Frame, ...]
    speech: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _End:
    reason: CallEndReason


class _Line:
    """One party's side of the call."""

    def __init__(
        self, party: Party, detector: SpeechDetector, params: CallParams
    ) -> None:
        self.party = party
        self.detector = detector
        self.endpointer = Endpointer(party, params.endpointer)
        self.unfinished = Unfinished(params.partial_after_s)


def _kept_words(transcript: Transcript) -> Transcript:
    """The answer as the log will hold it, so that the log can be replayed."""
    return replace(
        transcript,
        language_probability=round(transcript.language_probability, DIGITS),
        confidence=round(transcript.confidence, DIGITS),
    )


def _kept_reading(reading: VoiceReading) -> VoiceReading:
    """The answer as the log will hold it, so that the log can be replayed."""
    return replace(
        reading,
        anger=round(reading.anger, DIGITS),
        level_dbfs=round(reading.level_dbfs, DIGITS),
    )


class Call:
    """One call: frames and answers in, log entries and questions out.

    Every method returns what follows, in order. Not thread-safe.

    Args:
        started: what is known of the call; becomes its first entry.
        detectors: one speech detector for each party, in the order of the parties.
        words: reads the customer's words.
        playbook: where opening lines come from.
        params: how to listen.
        n_utterances: that there were before, where the call is listened to again.

    Attributes:
        ended: the last entry has been written; nothing further is taken.
    """

    def __init__(
        self,
        started: CallStarted,
        detectors: Sequence[SpeechDetector],
        words: WordReader,
        playbook: Playbook,
        params: CallParams,
        n_utterances: int = 0,
    ) -> None:
        self.ended = False
        self._started = started
        self._params = params
        self._lines = [
            _Line(party, detector, params)
            for party, detector in zip(started.parties, detectors, strict=True)
        ]
        self._consent = started.consent
        self._language = LanguageVote(started.language)
        self._cross_talk = CrossTalk(len(started.parties), params.cross_talk)
        self._turns = TurnTaking(params.turn_taking)
        self._windows = CustomerWindows(params.windows)
        self._words = words
        self._customer = Customer(params.emotion)
        self._rules = RuleEngine(params.rules)
        self._cue = PauseCue(params.pause_cue, self._opening)
        self._playbook = playbook
        self._point: HostilityPoint | None = None
        self._sparse = False
        self._used_lines: set[str] = set()
        self._scored = Party.CUSTOMER in started.parties

        self._inbox: deque[_Step | Control | _End] = deque()
        self._agenda = Agenda()
        self._words_asked: dict[int, UtteranceRequest | SoFarRequest] = {}
        self._n_utterances = n_utterances
        self._ending: _End | None = None
        self._now = 0
        self._received = 0
        self._seq = 0
        self._out: list[Output] = []

    @property
    def now_s(self) -> float:
        """Call time up to which everything has been worked out."""
        return self._now / RATE

    @property
    def received_s(self) -> float:
        """Call time up to which audio has arrived."""
        return self._received / RATE

    @property
    def starting_over(self) -> bool:
        """Whether the call is being listened to once more: never, with two channels."""
        return False

    @property
    def waiting_for(self) -> int | None:
        """The question whose answer call time stands still for, if it does."""
        return None if self.ended else self._agenda.missing(self._until)

    def start(self) -> list[Output]:
        """Write the first entries."""
        self._emit(self._started)
        if not self._scored:
            self._emit(Degraded(Degradation.ROLES_UNKNOWN))
        return self._digest()

    def receive_frames(self, frames: Sequence[tuple[Frame, ...]]) -> list[Output]:
        """Take the next frames, each with one frame per party."""
        if not frames:
            return self._digest()
        heard = [
            line.detector.probabilities(channel)
            for line, channel in zip(
                self._lines, zip(*frames, strict=True), strict=True
            )
        ]
        self._inbox += map(_Step, frames, zip(*heard, strict=True))
        self._received = frames[-1][0].end
        return self._digest()

    def receive_control(self, control: Control) -> list[Output]:
        """Take what somebody did, at the call time received so far."""
        self._inbox.append(control)
        return self._digest()

    def receive_transcript(
        self, request_id: int, transcript: Transcript | None
    ) -> list[Output]:
        """Take the answer to a `TranscribeRequest`; None: the model failed."""
        request = self._words_asked[request_id]
        if isinstance(request, SoFarRequest):
            reading = self._read_so_far(request.segment, transcript)
            return self.receive_so_far(request_id, reading)
        del self._words_asked[request_id]
        kept = None if transcript is None else _kept_words(transcript)
        self._agenda.answer(request_id, partial(self._hear_words, request, kept))
        return self._digest()

    def receive_so_far(
        self, request_id: int, reading: WordReading | None
    ) -> list[Output]:
        """Answer a `SoFarRequest` with its reading, from a log; None: nothing told."""
        del self._words_asked[request_id]
        self._agenda.answer(request_id, partial(self._hear_words_so_far, reading))
        return self._digest()

    def receive_voice(
        self, request_id: int, reading: VoiceReading | None
    ) -> list[Output]:
        """Take the answer to a `VoiceRequest`; None: the model failed."""
        kept = None if reading is None else _kept_reading(reading)
        self._agenda.answer(request_id, partial(self._hear_voice, kept))
        return self._digest()

    def end(self, reason: CallEndReason) -> list[Output]:
        """End the call after what has arrived; answers asked for are still awaited."""
        self._inbox.append(_End(reason))
        return self._digest()

    def _digest(self) -> list[Output]:
        """Work through what has arrived, as far as the answers allow."""
        while not self.ended and self._agenda.apply(self._until):
            if self._ending:
                self._finish(self._ending)
            elif self._inbox:
                self._take(self._inbox.popleft())
            else:
                break
        out, self._out = self._out, []
        return out

    @property
    def _until(self) -> float:
        """The sample up to which answers are due: at the end, all of them."""
        return self._now if self._ending is None else math.inf

    def _take(self, item: _Step | Control | _End) -> None:
        match item:
            case _End():
                self._ending = item
                for line in self._lines:
                    self._follow(line, line.endpointer.flush())
            case _Step():
                self._hear(item)
            case _:
                self._control(item)

    def _control(self, control: Control) -> None:
        """Do what somebody asked for; what comes too late has no effect."""
        match control:
            case AcknowledgeAlert() | SnoozeAlert() | CloseAlert() | WithdrawHelp():
                self._emit_all(self._control_alert(control))
            case DismissCue() | OfferLine() | CuesMuted() | CuesUnmuted():
                self._emit_all(self._control_cue(control))
            case ConsentChanged(consent=consent):
                self._consent = consent
                self._emit(control)
            case Degraded(what=Degradation.VOICE_SPARSE):
                self._sparse = True
                self._windows.hop_s = self._params.sparse_hop_s
                self._emit(control)
            case Recovered(what=Degradation.VOICE_SPARSE):
                self._sparse = False
                self._windows.hop_s = self._params.windows.hop_s
                self._emit(control)
            case AssignRoles():
                pass  # Each channel has its party here.
            case _:
                self._emit(control)
        # A call for help is told at once, even where no audio comes.
        self._emit_all(self._rules.advance(self.now_s))

    def _control_alert(self, control: AlertControl) -> list[Event]:
        rules, now_s, by = self._rules, self.now_s, control.by
        match control:
            case WithdrawHelp():
                return list(rules.withdraw_help(by, now_s))
            case AcknowledgeAlert(alert_id=alert_id) if alert_id in rules.untaken:
                return [rules.acknowledge(alert_id, by, now_s)]
            case SnoozeAlert(alert_id=alert_id, for_s=for_s) if alert_id in rules.open:
                return [rules.snooze(alert_id, by, now_s, now_s + for_s)]
            case CloseAlert(alert_id=alert_id) if alert_id in rules.open:
                reason, text = control.reason, control.text
                return [rules.close(alert_id, reason, now_s, by=by, text=text)]
            case _:
                return []

    def _control_cue(self, control: CueControl) -> list[Event]:
        match control:
            case DismissCue():
                return list(self._cue.dismiss(self.now_s))
            case CuesMuted():
                return [control, *self._cue.mute(self.now_s)]
            case CuesUnmuted():
                self._cue.unmute()
                return [control]
            case OfferLine():
                line = self._opening()
                shown = self._cue.shown
                return [
                    LineOffered(
                        shown, self.now_s, line.line_id, line.text, line.language
                    )
                ]

    def _hear(self, step: _Step) -> None:
        """One step of 32 ms: speech, turns, voice, curve, alerts, cue."""
        self._now = step.frames[0].end
        if self._scored:
            self._emit_all(self._customer.advance(self.now_s))
        others = self._cross_talk.feed(step.frames)
        for line, frame, heard, other in zip(
            self._lines, step.frames, step.speech, others, strict=True
        ):
            # The detector keeps state, so it hears cross-talk too.
            probability = 0.0 if other else heard
            self._follow(line, line.endpointer.feed(frame, probability))
            if line.party is Party.CUSTOMER:
                self._sample_voice(frame, speaking=line.endpointer.speaking)
            self._ask_partial(line)
        if self._scored:
            self._emit_all(self._turns.advance(self.now_s))
        self._emit_all(self._rules.advance(self.now_s))
        if self._scored:
            self._emit_all(self._cue.advance(self.now_s))

    def _follow(
        self, line: _Line, found: Sequence[SpeechStarted | SpeechEnded | Segment]
    ) -> None:
        for item in found:
            if isinstance(item, Segment):
                self._ask_words(item)
                line.unfinished.begin()
            else:
                self._emit(item)

    def _ask_words(self, segment: Segment) -> None:
        self._n_utterances += 1
        utterance_id = f"u{self._n_utterances}"
        request_id = self._ask(self._params.words_latency_s)
        language = self._language.chosen
        self._await_words(UtteranceRequest(request_id, segment, language, utterance_id))

    def _ask_so_far(self, segment: Segment) -> None:
        request_id = self._ask(self._params.words_latency_s)
        self._await_words(SoFarRequest(request_id, segment, self._language.chosen))

    def _await_words(self, request: UtteranceRequest | SoFarRequest) -> None:
        self._words_asked[request.request_id] = request
        self._out.append(request)

    def _sample_voice(self, frame: Frame, *, speaking: bool) -> None:
        window = self._windows.feed(frame, speaking=speaking)
        if window is None or self._consent is not Consent.GRANTED:
            return
        request_id = self._ask(self._params.voice_latency_s)
        self._out.append(VoiceRequest(request_id, window))

    def _ask(self, latency_s: float) -> int:
        return self._agenda.ask(self._now + round(latency_s * RATE))

    def _ask_partial(self, line: _Line) -> None:
        """Ask for the words so far, once for each further stretch of speech."""
        if not line.unfinished.grown(line.endpointer.open_s):
            return
        segment = line.endpointer.open_segment()
        if self._tense(line.party) and line.unfinished.count():
            self._ask_so_far(segment)
        else:
            self._out.append(PartialRequest(segment, self._language.chosen))

    def _tense(self, party: Party) -> bool:
        """Whether unfinished words are to count: while they may bring a cue sooner."""
        if party is not Party.CUSTOMER or self._point is None or self._sparse:
            return False
        tense = self._point.score >= self._params.tense_score
        return tense and self._cue.has_passed(self.now_s)

    def _read_so_far(
        self, segment: Segment, transcript: Transcript | None
    ) -> WordReading | None:
        """Read unfinished words; None where they do not tell of hostility."""
        if transcript is None or not transcript.text:
            return None
        start_s, end_s = segment.start_s, segment.end_s
        reading = self._words.read(transcript.text, transcript.language, start_s, end_s)
        said = Utterance(transcript.text, transcript.language, start_s, end_s)
        reading = self._params.emotion.curve.words.doubted(reading, count_units(said))
        if reading.hostility <= SHOWN:
            return None
        return replace(reading, hostility=round(reading.hostility, DIGITS))

    def _hear_words_so_far(self, reading: WordReading | None) -> None:
        if reading is not None:
            self._emit(WordsSoFar(reading))

    def _hear_words(
        self, request: UtteranceRequest, transcript: Transcript | None
    ) -> None:
        segment = request.segment
        if transcript is None:
            self._emit(Degraded(Degradation.MODEL_FAILED))
            self._hear_turn(segment, supports=False)
            return
        if not transcript.text:
            self._hear_turn(segment, supports=True)
            return
        detected = self._language.feed(transcript, segment.end_s - segment.start_s)
        if detected is not None:
            self._emit(detected)
        self._emit(
            TranscriptFinal(
                utterance_id=request.utterance_id,
                party=segment.party,
                start_s=segment.start_s,
                end_s=segment.end_s,
                text=transcript.text,
                language=transcript.language,
                confidence=transcript.confidence,
                language_probability=transcript.language_probability,
            )
        )
        if segment.party is Party.CUSTOMER:
            reading = self._words.read(
                transcript.text, transcript.language, segment.start_s, segment.end_s
            )
            self._emit(WordsRead(request.utterance_id, reading))
        supports = is_backchannel(transcript.text, transcript.language)
        self._hear_turn(segment, supports=supports)

    def _hear_turn(self, segment: Segment, *, supports: bool) -> None:
        """Words tell an interruption from a back-channel that took long."""
        if self._scored:
            start_s, end_s = segment.start_s, segment.end_s
            self._emit_all(
                self._turns.feed_words(segment.party, start_s, end_s, supports=supports)
            )

    def _hear_voice(self, reading: VoiceReading | None) -> None:
        self._emit(reading or Degraded(Degradation.MODEL_FAILED))

    def _emit_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self._emit(event)

    def _emit(self, event: Event) -> None:
        """Log an event, and whatever follows from it right behind it."""
        self._seq += 1
        self._out.append(LogEntry(self._seq, self.now_s, event))
        self._rules.feed(as_rules_see(event))
        if not self._scored:
            return
        self._cue.feed(event)
        match event:
            case SpeechStarted() | SpeechEnded():
                self._customer.feed_speech(event)
                self._emit_all(self._turns.feed(event))
            case Overlapped() | Interrupted() | Responded() | LongSilence():
                self._customer.feed_turns(event)
            case VoiceReading():
                self._emit_all(self._customer.feed_voice(event))
            case TranscriptFinal(party=Party.CUSTOMER):
                self._customer.feed_utterance(
                    Utterance(event.text, event.language, event.start_s, event.end_s)
                )
            case WordsRead(reading=reading):
                self._emit_all(self._customer.feed_words(reading))
            case WordsSoFar(reading=reading):
                self._emit_all(self._customer.feed_words_so_far(reading))
            case HostilityPoint():
                self._point = event
            case _:
                pass

    def _opening(self) -> Line:
        """The playbook's line for where the customer stands now and what they want."""
        point = self._point
        line = self._playbook.choose(
            point.phase if point else Phase.RATIONAL,
            [evidence.code for evidence in point.evidence] if point else [],
            self._customer.kind,
            self._language.chosen or _FALLBACK_LANGUAGE,
            self._used_lines,
        )
        self._used_lines.add(line.line_id)
        return line

    def _finish(self, end: _End) -> None:
        self._emit_all(self._rules.advance(self.now_s))
        self._emit_all(self._cue.flush(self.now_s))
        self._emit_all(self._rules.flush(self.now_s))
        self._emit(CallEnded(end.reason, self.now_s))
        self.ended = True


def as_rules_see(event: Event) -> object:
    """Return `event` in the words of `alerts`, which knows nothing of the service."""
    match event:
        case WordsRead(reading=reading):
            return reading
        case TranscriptFinal(party=party, text=text):
            return Said(party, text, event.start_s, event.end_s)
        case _:
            return event
