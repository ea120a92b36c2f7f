"""Puts a call together from the models, the words and the playbook."""

from dataclasses import dataclass, field
from typing import Self

from alerts.playbook import Playbook, load_playbook
from emotion.roles import RoleParams, RoleReader, load_role_reader
from emotion.words import WordReader, load_word_reader
from server.call import Call, CallParams
from server.engine import Models
from server.events import CallStarted


@dataclass(frozen=True, slots=True)
class CallFactory:
    """Makes calls that all listen in the same way, live or from a file."""

    models: Models
    words: WordReader
    playbook: Playbook
    params: CallParams = field(default_factory=CallParams)
    roles: RoleReader = field(default_factory=load_role_reader)

    @classmethod
    def of(cls, models: Models, roles: RoleParams | None = None) -> Self:
        """A factory with the shipped words and playbook."""
        return cls(
            models,
            load_word_reader(),
            load_playbook(),
            roles=load_role_reader(roles),
        )

    def new_call(self, started: CallStarted) -> Call:
        """Return a call that has heard nothing yet."""
        detectors = [self.models.new_detector() for _ in started.parties]
        return Call(started, detectors, self.words, self.playbook, self.params)
