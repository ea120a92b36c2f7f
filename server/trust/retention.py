"""After how long which kind of data is removed: the settings of `keeping`."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import ClassVar

from pydantic import ConfigDict

from server.errors import ConfigError


class DataKind(StrEnum):
    """What is kept of a call."""

    AUDIO = "audio"
    TRANSCRIPT = "transcript"
    SCORES = "scores"
    REVIEWS = "reviews"


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """After how many days each kind is removed; 0 keeps it.

    Attributes:
        audio_days: recordings. Not longer than the transcript: what is covered in a
            recording is found in its words.
        transcript_days: the words, and what was found in them.
        scores_days: the curve, alerts and cues.
        reviews_days: scorecards, comments and corrections.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    audio_days: int = 0
    transcript_days: int = 0
    scores_days: int = 0
    reviews_days: int = 0

    def __post_init__(self) -> None:
        for setting in fields(self):
            days = getattr(self, setting.name)
            if days < 0:
                raise ConfigError(
                    f"retention.{setting.name} is a number of days, or 0 to keep, "
                    f"got {days}"
                )
        if self.transcript_days and not 0 < self.audio_days <= self.transcript_days:
            raise ConfigError(
                "retention.audio_days must not be longer than transcript_days: without "
                "its words nobody knows where in a recording a number is to be covered"
            )

    def days(self, kind: DataKind) -> int:
        """After how many days a kind is removed; 0: never."""
        return int(getattr(self, f"{kind}_days"))

    @property
    def whole_days(self) -> int:
        """After how many days nothing is left and the call itself goes; 0: never."""
        days = [self.days(kind) for kind in DataKind]
        return max(days) if all(days) else 0
