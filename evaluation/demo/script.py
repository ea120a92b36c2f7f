"""What is said in a demo call, by whom, how and when: the TOML beside this file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from audio.frame import Party
from emotion.events import Phase

BREATH_MARK = "|"
"""Stands in a line's text where the speaker draws breath."""


class ScriptError(Exception):
    """The script cannot be rendered."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """How a line is said.

    Attributes:
        rate: speed, as a multiple of the voice's own.
        pitch: median F0, as a multiple of the voice's own for this line.
        pitch_range: exponent of F0 over its median: 1 leaves the melody alone.
        level_dbfs: RMS level of the speech.
        press: 0 for a relaxed voice to 1 for one that shouts: flatter spectral
            tilt, harder glottal closure.
        tract: resonances, as a multiple of the voice's own; shouting opens the
            mouth and raises them.
        breath_s: length of the pause at a breath mark.

    Raises:
        ScriptError: a value is out of its range.
    """

    rate: float
    pitch: float
    pitch_range: float
    level_dbfs: float
    press: float
    tract: float
    breath_s: float

    def __post_init__(self) -> None:
        factors = (self.rate, self.pitch, self.pitch_range, self.tract)
        if min(factors) <= 0 or self.level_dbfs > 0 or not 0 <= self.press <= 1:
            raise ScriptError(
                "rate, pitch, pitch_range and tract must be positive, level_dbfs at "
                f"most 0 and press in [0, 1], got {self}"
            )


PLAIN = Prosody(
    rate=1.0,
    pitch=1.0,
    pitch_range=1.0,
    level_dbfs=-23.0,
    press=0.0,
    tract=1.0,
    breath_s=0.3,
)
"""The voice's own way."""


@dataclass(frozen=True, slots=True)
class Line:
    """One turn, or a back-channel.

    Attributes:
        party: who speaks.
        breaths: the words as a listener would write them down, in breath groups.
        spoken: the same breath groups, spelt as the voice needs them.
        phase: the customer's phase that the author had in mind.
        pause_s: time since the turn before; below zero the two overlap.
        prosody: how it is said.
        at_breath: a back-channel's place: the number of the breath, counted from
            one, in the turn before. None for a turn.
    """

    party: Party
    breaths: tuple[str, ...]
    spoken: tuple[str, ...]
    phase: Phase
    pause_s: float
    prosody: Prosody
    at_breath: int | None

    @property
    def text(self) -> str:
        """The words of all breath groups."""
        return " ".join(self.breaths)


@dataclass(frozen=True, slots=True)
class Script:
    """A whole call.

    Attributes:
        language: ISO 639-1 code.
        seed: of everything random in the rendering.
        lead_s: line noise before the first and after the last word.
        voices: name of the voice of each party.
        lines: in the order of the call.
    """

    language: str
    seed: int
    lead_s: float
    voices: dict[Party, str]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line as it stands in the file."""

    party: str
    phase: str
    prosody: str
    text: str
    say: str = ""
    pause_s: float = 0.0
    at_breath: int | None = None


def load_script(path: Path) -> Script:
    """Read a script.

    Raises:
        ScriptError: something in it is missing, unknown or contradictory.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        manners = {name: Prosody(**how) for name, how in table["prosody"].items()}
        return Script(
            language=table["language"],
            seed=table["seed"],
            lead_s=table["lead_s"],
            voices={Party(party): name for party, name in table["voices"].items()},
            lines=tuple(_line(_Entry(**line), manners) for line in table["line"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ScriptError(f"{path.name} cannot be read: {error}") from error


def _line(entry: _Entry, manners: dict[str, Prosody]) -> Line:
    breaths = _split(entry.text)
    spoken = _split(entry.say or entry.text)
    if len(breaths) != len(spoken):
        raise ScriptError(
            f"text has {len(breaths)} breath groups and say has {len(spoken)}; "
            "they must be as many"
        )
    return Line(
        party=Party(entry.party),
        breaths=breaths,
        spoken=spoken,
        phase=Phase(entry.phase),
        pause_s=entry.pause_s,
        prosody=manners[entry.prosody],
        at_breath=entry.at_breath,
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(BREATH_MARK))
