"""Word lists with a meaning: what is a sign of what, and what takes it back."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final, Never

from emotion.errors import LexiconError
from emotion.events import WordSign
from emotion.plain import PlainText

CALMING = frozenset({WordSign.THANKS, WordSign.RELIEF})
"""Signs that lower hostility: their weights are negative."""

SAMPLES: Final = ("", "a b")
"""A pattern that finds an empty stretch here would find them everywhere."""

Table = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Guard:
    """What stands around a stretch of words and takes its meaning back.

    Attributes:
        clause_only: look no further than the clause, else than the sentence.
        before: matches at the end of what stands before.
        inside: matches somewhere in the stretch itself.
        after: matches at the start of what stands after.
    """

    clause_only: bool
    before: re.Pattern[str] | None
    inside: re.Pattern[str] | None
    after: re.Pattern[str] | None

    def takes_back(self, plain: PlainText, start: int, end: int) -> bool:
        """Whether the stretch does not mean what it says."""
        if self.inside and self.inside.search(plain.text[start:end]):
            return True
        before = plain.before(start, clause_only=self.clause_only)
        if self.before and self.before.search(before):
            return True
        after = plain.after(end, clause_only=self.clause_only)
        return bool(self.after and self.after.search(after))


@dataclass(frozen=True, slots=True)
class SignGroup:
    """Patterns that are a sign of the same thing, equally strong.

    Attributes:
        sign: what they are a sign of.
        weight: hostility of one hit, in [-1, 1]; below zero it calms.
        pattern: matches any of them in plain text.
        guards: what takes a hit back.
    """

    sign: WordSign
    weight: float
    pattern: re.Pattern[str]
    guards: tuple[Guard, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All that is known about the words of one language.

    Attributes:
        language: ISO 639-1 code.
        version: counts up with every change of meaning.
        spaced: the language puts spaces between words.
        folds: characters that patterns write as another one.
        groups: the patterns, in the order of the file.
    """

    language: str
    version: str
    spaced: bool
    folds: Mapping[str, str]
    groups: tuple[SignGroup, ...]


def load_lexicons() -> tuple[Lexicon, ...]:
    """Read the lexicons that come with the package, in the order of their names.

    Raises:
        LexiconError: one of them is damaged.
    """
    folder = resources.files("emotion") / "data"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")),
        key=lambda file: file.name,
    )
    return tuple(parse_lexicon(file.read_text(encoding="utf-8")) for file in files)


def parse_lexicon(text: str) -> Lexicon:
    """Make a lexicon from the text of its TOML file.

    Raises:
        LexiconError: not TOML, a field is missing or of the wrong type, or a
            sign, guard, part or pattern cannot be understood.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LexiconError(f"a lexicon must be TOML: {error}") from error
    return _Parser(table).lexicon()


class _Parser:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._language = self._string(table, "language", "the top of the lexicon")
        self._spaced = self._flag(table, "spaced")
        self._parts: dict[str, str] = {}
        for name, pattern in self._tables("parts").items():
            if not isinstance(pattern, str):
                self._fail(f"part {name!r} must be a string")
            self._parts[name] = self._expand(pattern, f"part {name!r}")
        self._guards = {
            name: self._guard(name, guard)
            for name, guard in self._tables("guards").items()
        }

    def lexicon(self) -> Lexicon:
        groups = self._table.get("group")
        if not isinstance(groups, list) or not groups:
            self._fail("needs at least one [[group]]")
        return Lexicon(
            self._language,
            self._string(self._table, "version", "the top of the lexicon"),
            self._spaced,
            self._folds(),
            tuple(self._group(n, group) for n, group in enumerate(groups, 1)),
        )

    def _fail(self, what: str) -> Never:
        language = self._table.get("language", "without a language")
        raise LexiconError(f"lexicon {language}: {what}")

    def _string(self, table: Table, key: str, where: str) -> str:
        value = table.get(key)
        if not isinstance(value, str):
            self._fail(f"{where} needs {key!r}, a string, got {value!r}")
        return value

    def _flag(self, table: Table, key: str) -> bool:
        value = table.get(key)
        if not isinstance(value, bool):
            self._fail(f"the top of the lexicon needs {key!r}, true or false")
        return value

    def _tables(self, key: str) -> Table:
        value = self._table.get(key, {})
        if not isinstance(value, dict):
            self._fail(f"{key!r} must be a table")
        return value

    def _strings(self, table: Table, key: str, where: str) -> list[str]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            self._fail(f"{where}: {key!r} must be a list of strings")
        return value

    def _folds(self) -> dict[str, str]:
        table = self._tables("folds")
        if not table:
            return {}
        written = self._string(table, "from", "folds")
        read = self._string(table, "to", "folds")
        if len(written) != len(read):
            self._fail(f"folds: {len(written)} characters 'from', {len(read)} 'to'")
        return dict(zip(written, read, strict=True))

    def _expand(self, pattern: str, where: str) -> str:
        def part(match: re.Match[str]) -> str:
            name = match[1]
            if name not in self._parts:
                self._fail(f"{where} names the unknown part {name!r}")
            return self._parts[name]

        return re.sub(r"<(\w+)>", part, pattern)

    def _compile(self, patterns: list[str], where: str, frame: str) -> re.Pattern[str]:
        joined = "|".join(self._expand(pattern, where) for pattern in patterns)
        try:
            return re.compile(frame.format(joined))
        except re.error as error:
            self._fail(f"{where} has a pattern that is no regular expression: {error}")

    def _guard(self, name: str, table: object) -> Guard:
        where = f"guard {name!r}"
        if not isinstance(table, dict):
            self._fail(f"{where} must be a table")
        across = table.get("across")
        if across not in ("clause", "sentence"):
            self._fail(f"{where} needs across = 'clause' or 'sentence'")
        compiled = [
            self._compile(patterns, where, "(?:{})") if patterns else None
            for patterns in (
                self._strings(table, key, where)
                for key in ("before", "inside", "after")
            )
        ]
        return Guard(across == "clause", *compiled)

    def _group(self, number: int, table: object) -> SignGroup:
        where = f"group {number}"
        if not isinstance(table, dict):
            self._fail(f"{where} must be a table")
        sign = self._sign(self._string(table, "sign", where), where)
        patterns = self._strings(table, "patterns", where)
        if not patterns:
            self._fail(f"{where} ({sign}) has no patterns")
        edges = r"(?<![\w*])(?:{})(?![\w*])" if self._spaced else "(?:{})"
        pattern = self._compile(patterns, where, edges)
        found = (match for text in SAMPLES for match in pattern.finditer(text))
        if not all(match[0] for match in found):
            self._fail(f"{where} ({sign}) has a pattern that matches nothing at all")
        guards = []
        for name in self._strings(table, "guards", where):
            if name not in self._guards:
                self._fail(f"{where} ({sign}) names the unknown guard {name!r}")
            guards.append(self._guards[name])
        return SignGroup(
            sign,
            self._weight(table.get("weight"), sign, where),
            pattern,
            tuple(guards),
        )

    def _sign(self, name: str, where: str) -> WordSign:
        try:
            return WordSign(name)
        except ValueError:
            known = ", ".join(WordSign)
            self._fail(f"{where} has the unknown sign {name!r}; known are {known}")

    def _weight(self, weight: object, sign: WordSign, where: str) -> float:
        if not isinstance(weight, float) or not 0 < abs(weight) <= 1:
            self._fail(f"{where} ({sign}) needs a weight in [-1, 1] other than 0")
        if (weight < 0) is not (sign in CALMING):
            self._fail(f"{where} ({sign}): only calming signs have weights below 0")
        return weight
