"""The 5-second pause: one cue on the agent's screen, from armed to judged.

When a complaint escalates, the agent waits five seconds before answering, so
that the answer is not an impulse. The cue is *armed* while the customer still
talks, *counting* from the end of the customer's turn, and *released* with a line
to open with. Afterwards it says whether the agent paused.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from alerts.events import (
    CueArmed,
    CueCounting,
    CueEnd,
    CueFollowed,
    CueIgnored,
    CueReleased,
    CueWithdrawn,
)
from alerts.playbook import Line
from audio.events import SpeechEnded, SpeechStarted
from audio.frame import Party
from emotion.events import Forecast, HostilityPoint, Phase, PhaseChanged

CueEvent = (
    CueArmed | CueCounting | CueReleased | CueWithdrawn | CueFollowed | CueIgnored
)

_HOT = (Phase.TAKE_OFF, Phase.PEAK)
_COOLING = (Phase.SLOW_DOWN, Phase.COOL_DOWN, Phase.PROBLEM_SOLVING)


@dataclass(frozen=True, slots=True)
class PauseCueParams:
    """When a cue appears and goes; times in seconds.

    `arm_p` and `calm_p` are fitted by `python -m evaluation fit_curve`, the others
    adopted.

    Attributes:
        arm_p: forecast from which escalation looms.
        calm_p: forecast below which it no longer does.
        pause_s: how long the agent waits. Source: the 5-second-pause rule of
            complaint-handling training.
        tolerance_s: a pause that is shorter by this much still counts.
        recent_s: how long ago the customer may have stopped for a cue to make sense.
        begun_s: how long the customer speaks before a new cue appears: until then
            all that is known is from their turn before.
        answer_s: agent speech from which it is an answer, not a "mm-hm".
        expire_s: how long after the release a line is worth showing.
        gap_s: from the start of one cue to the start of the next, at least.
        drop: points below its highest of the last `drop_s` from which the score
            falls: who calms by themselves gets no new cue.
        drop_s: see there.
    """

    arm_p: float = 0.8
    calm_p: float = 0.15
    pause_s: float = 5.0
    tolerance_s: float = 0.5
    recent_s: float = 2.0
    begun_s: float = 1.0
    answer_s: float = 1.0
    expire_s: float = 15.0
    gap_s: float = 30.0
    drop: float = 10.0
    drop_s: float = 10.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.calm_p < self.arm_p <= 1.0:
            raise ValueError(
                f"expected 0 <= calm_p < arm_p <= 1, got {self.calm_p} and {self.arm_p}"
            )
        if not 0.0 <= self.tolerance_s < self.pause_s:
            raise ValueError(
                "expected 0 <= tolerance_s < pause_s, "
                f"got {self.tolerance_s} and {self.pause_s}"
            )


class _Step(Enum):
    IDLE = auto()
    ARMED = auto()
    COUNTING = auto()
    RELEASED = auto()


@dataclass(slots=True)
class _Speaker:
    """One party's speech as far as it is known."""

    started_s: float = 0.0
    ended_s: float = float("-inf")
    speaking: bool = False

    def start(self, at_s: float) -> None:
        self.started_s, self.speaking = at_s, True

    def stop(self, at_s: float) -> None:
        self.ended_s, self.speaking = at_s, False


class PauseCue:
    """Follows one call and says what the agent's screen should show.

    Pure. At most one cue at a time, and one in `gap_s`. Events are fed as they
    happen; what follows from them is told by the next `advance`.

    Args:
        params: when a cue appears and goes.
        opening: gives the line for a release; asked once for each.
    """

    def __init__(self, params: PauseCueParams, opening: Callable[[], Line]) -> None:
        self._params = params
        self._opening = opening
        self._step = _Step.IDLE
        self._n_cues = 0
        self._armed_s = float("-inf")
        self._until_s = 0.0
        self._p = 0.0
        self._phase = Phase.RATIONAL
        self._scores: deque[HostilityPoint] = deque()
        self._muted = False
        self._customer = _Speaker()
        self._agent = _Speaker()

    def feed(self, event: object) -> None:
        """Take one event of the call; those that do not matter here are ignored."""
        match event:
            case Forecast(p=p):
                self._p = p
            case PhaseChanged(after=after):
                self._phase = after
            case HostilityPoint():
                self._scores.append(event)
                while self._scores[0].at_s < event.at_s - self._params.drop_s:
                    self._scores.popleft()
            case SpeechStarted(party=Party.CUSTOMER, start_s=start_s):
                self._customer.start(start_s)
            case SpeechEnded(party=Party.CUSTOMER, end_s=end_s):
                self._customer.stop(end_s)
            case SpeechStarted(party=Party.AGENT, start_s=start_s):
                self._agent.start(start_s)
            case SpeechEnded(party=Party.AGENT, end_s=end_s):
                self._agent.stop(end_s)
            case _:
                pass

    def advance(self, now_s: float) -> list[CueEvent]:
        """Let call time pass to `now_s`, all events of which have been fed."""
        told: list[CueEvent] = []
        while step := self._next(now_s):
            told.append(step)
        return told

    def flush(self, now_s: float) -> list[CueEvent]:
        """The call is over: take back what is still on the screen."""
        if self._step is _Step.IDLE:
            return []
        return [self._withdraw(now_s, CueEnd.CALL_ENDED)]

    def dismiss(self, now_s: float) -> list[CueEvent]:
        """The agent does not want to see this cue; the next may come."""
        if self._step is _Step.IDLE:
            return []
        return [self._withdraw(now_s, CueEnd.DISMISSED)]

    def mute(self, now_s: float) -> list[CueEvent]:
        """The agent wants no cue until `unmute`; take back what is on the screen."""
        self._muted = True
        if self._step is _Step.IDLE:
            return []
        return [self._withdraw(now_s, CueEnd.MUTED)]

    def unmute(self) -> None:
        """The agent wants cues again."""
        self._muted = False

    def has_passed(self, now_s: float) -> bool:
        """Whether no cue is there, and the last one began long enough ago."""
        return self._step is _Step.IDLE and now_s >= self._armed_s + self._params.gap_s

    @property
    def shown(self) -> str:
        """Id of the cue whose line is on the screen; empty where there is none."""
        return self._cue_id if self._step is _Step.RELEASED else ""

    @property
    def _cue_id(self) -> str:
        return f"c{self._n_cues}"

    @property
    def _looms(self) -> bool:
        # A customer who cools down is left in peace until the score turns again.
        ahead = self._phase is Phase.RATIONAL and self._p >= self._params.arm_p
        return self._phase in _HOT or ahead

    @property
    def _calmed(self) -> bool:
        ahead = self._phase is Phase.RATIONAL and self._p >= self._params.calm_p
        return self._phase in _COOLING or not (self._phase in _HOT or ahead)

    @property
    def _falls(self) -> bool:
        if not self._scores:
            return False
        highest = max(point.score for point in self._scores)
        return self._scores[-1].score <= highest - self._params.drop

    def _next(self, now_s: float) -> CueEvent | None:
        """The one thing that happens next, or nothing; moves one step."""
        match self._step:
            case _Step.IDLE:
                return self._arm(now_s) if self._may_arm(now_s) else None
            case _Step.ARMED:
                return self._while_armed(now_s)
            case _Step.COUNTING:
                return self._while_counting(now_s)
            case _Step.RELEASED:
                return self._while_released(now_s)

    def _may_arm(self, now_s: float) -> bool:
        if self._muted or not self._looms or self._falls or not self.has_passed(now_s):
            return False
        if self._customer.speaking:
            return now_s >= self._customer.started_s + self._params.begun_s
        just_now = now_s <= self._customer.ended_s + self._params.recent_s
        return just_now and not self._agent.speaking

    def _arm(self, now_s: float) -> CueArmed:
        self._n_cues += 1
        self._armed_s = now_s
        self._step = _Step.ARMED
        return CueArmed(self._cue_id, now_s, self._p)

    def _while_armed(self, now_s: float) -> CueEvent | None:
        if self._calmed:
            return self._withdraw(now_s, CueEnd.CALMED)
        if self._customer.speaking:
            return None
        if self._agent.speaking:
            return self._judge(now_s)
        self._step = _Step.COUNTING
        start_s = self._customer.ended_s
        self._until_s = start_s + self._params.pause_s
        return CueCounting(self._cue_id, start_s, self._until_s)

    def _while_counting(self, now_s: float) -> CueEvent | None:
        if self._customer.speaking:
            return self._rearm(now_s)
        if self._calmed:
            return self._withdraw(now_s, CueEnd.CALMED)
        if self._agent.speaking:
            return self._judge(now_s)
        if now_s < self._until_s:
            return None
        self._step = _Step.RELEASED
        line = self._opening()
        return CueReleased(self._cue_id, now_s, line.line_id, line.text, line.language)

    def _while_released(self, now_s: float) -> CueEvent | None:
        if self._customer.speaking:
            return self._rearm(now_s)
        if self._agent.speaking:
            return self._judge(now_s)
        if now_s >= self._until_s + self._params.expire_s:
            return self._withdraw(now_s, CueEnd.EXPIRED)
        return None

    def _rearm(self, now_s: float) -> CueArmed:
        self._step = _Step.ARMED
        return CueArmed(self._cue_id, now_s, self._p)

    def _judge(self, now_s: float) -> CueFollowed | CueIgnored | None:
        """Say whether the agent paused, once what they say is an answer."""
        turn_end_s = self._customer.ended_s
        began_s = max(self._agent.started_s, turn_end_s)
        if now_s < began_s + self._params.answer_s:
            return None
        self._step = _Step.IDLE
        pause_s = began_s - turn_end_s
        if pause_s >= self._params.pause_s - self._params.tolerance_s:
            return CueFollowed(self._cue_id, now_s, pause_s)
        return CueIgnored(self._cue_id, now_s, pause_s)

    def _withdraw(self, now_s: float, reason: CueEnd) -> CueWithdrawn:
        self._step = _Step.IDLE
        return CueWithdrawn(self._cue_id, now_s, reason)
