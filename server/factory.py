"""Puts a call together from the models, the words and the playbook."""

import logging
from dataclasses import dataclass, field, replace
from typing import Self

from alerts.playbook import Playbook, load_playbook
from audio.frame import Party
from emotion.roles import RoleParams, RoleReader, load_role_reader
from emotion.words import WordReader, load_word_reader
from models.errors import WeightsError
from models.text_encoder import load_text_encoder
from server.call import Call, CallParams
from server.engine import Models
from server.events import CallStarted
from server.mono_call import MonoCall
from server.team_books import SHIPPED, Kind, TeamBooks

logger = logging.getLogger(__name__)


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

    def new_call(self, started: CallStarted) -> Call | MonoCall:
        """Return a call that has heard nothing yet."""
        if started.parties != (Party.UNKNOWN,) or self.models.new_tracker is None:
            return self.new_plain_call(started)
        try:
            tracker = self.models.new_tracker()
        except WeightsError as error:
            logger.warning("voices are not told apart", extra={"detail": str(error)})
            return self.new_plain_call(started)
        return MonoCall(started, tracker, self.new_plain_call, self.roles)

    def new_plain_call(self, started: CallStarted, n_utterances: int = 0) -> Call:
        """Return a call whose every channel is one party's.

        Args:
            started: says whose.
            n_utterances: that there were before, where it is listened to again.
        """
        detectors = [self.models.new_detector() for _ in started.parties]
        playbook, params = self.playbook, self.params
        if self.books is not None and started.playbook:
            playbook = self.books.playbook(started.playbook)
        if self.books is not None and started.rules:
            params = replace(params, rules=self.books.rules(started.rules))
        return Call(started, detectors, self.words, playbook, params, n_utterances)

    def version(self, kind: Kind, team: str) -> int:
        """The version of a team's book that a call which begins now has."""
        return self.books.edition(kind, team).version if self.books else SHIPPED
