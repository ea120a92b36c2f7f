"""Puts a call together from the models, the words and the playbook."""

from dataclasses import dataclass, field, replace
from typing import Self

from alerts.playbook import Playbook, load_playbook
from emotion.roles import RoleParams, RoleReader, load_role_reader
from emotion.words import WordReader, load_word_reader
from models.text_encoder import load_text_encoder
from server.call import Call, CallParams
from server.engine import Models
from server.events import CallStarted
from server.team_books import SHIPPED, Kind, TeamBooks


@dataclass(frozen=True, slots=True)
class CallFactory:
    """Makes calls that all listen in the same way, live or from a file.

    Attributes:
        playbook: for calls that name no version of one.
        params: how to listen; its rules are for calls that name no version.
        books: what teams have made of rules and playbook; None: nothing.
    """

    models: Models
    words: WordReader
    playbook: Playbook
    params: CallParams = field(default_factory=CallParams)
    roles: RoleReader = field(default_factory=load_role_reader)
    books: TeamBooks | None = None

    @classmethod
    def of(
        cls,
        models: Models,
        roles: RoleParams | None = None,
        words: WordReader | None = None,
    ) -> Self:
        """A factory with the shipped words, where no others are given, and playbook."""
        return cls(
            models,
            words or load_word_reader(load_text_encoder()),
            load_playbook(),
            roles=load_role_reader(roles),
        )

    def new_call(self, started: CallStarted) -> Call:
        """Return a call that has heard nothing yet."""
        detectors = [self.models.new_detector() for _ in started.parties]
        playbook, params = self.playbook, self.params
        if self.books is not None and started.playbook:
            playbook = self.books.playbook(started.playbook)
        if self.books is not None and started.rules:
            params = replace(params, rules=self.books.rules(started.rules))
        return Call(started, detectors, self.words, playbook, params)

    def version(self, kind: Kind, team: str) -> int:
        """The version of a team's book that a call which begins now has."""
        return self.books.edition(kind, team).version if self.books else SHIPPED
