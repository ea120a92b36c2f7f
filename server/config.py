"""Settings: one TOML file, environment on top, checked before anything starts."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Literal, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from server.errors import ConfigError
from server.trust.retention import RetentionSettings

_PREFIX = "CALMLINE_"
_LAST_PORT = (1 << 16) - 1
_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Where the service listens and keeps its data.

    Attributes:
        host: address to listen on. Anything but loopback needs a proxy in front
            that speaks TLS, and the service refuses to start unless
            `behind_proxy` says there is one.
        behind_proxy: a proxy stands in front. While nobody has been added with
            `calmline people`, it is the proxy that has to authenticate.
        audio_port: WebSocket port for call audio; 0 takes a free one.
        http_port: port for pages, screens and HTTP; 0 takes a free one.
        data_dir: folder for the database and the recordings.
        database_url: SQLAlchemy URL; empty: SQLite inside `data_dir`.
        max_calls: live calls at most; further ones are refused.
        resume_window_s: how long a call whose line is lost waits for its client.
        hello_timeout_s: how long a new connection may be silent.
        session_hours: how long a log-in lasts.
        proxy_user_header: header in which the proxy names who is logged in;
            empty: people log in themselves. Only with `behind_proxy`.
        teams: who is in which team, as ``team:agent_id``, for calls whose hello
            does not say it.
        power_safe: acknowledge audio only once it would survive a loss of power,
            not just the end of the process.
        watch_dir: folder whose new recordings become calls by themselves; empty:
            none is watched.
        watch_every_s: how often that folder is looked at.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    host: str = "127.0.0.1"
    behind_proxy: bool = False
    audio_port: int = 8765
    http_port: int = 8080
    data_dir: Path = Path("calmline-data")
    database_url: str = ""
    max_calls: int = 200
    resume_window_s: float = 30.0
    hello_timeout_s: float = 5.0
    session_hours: float = 12.0
    proxy_user_header: str = ""
    teams: tuple[str, ...] = ()
    power_safe: bool = False
    watch_dir: str = ""
    watch_every_s: float = 30.0

    def __post_init__(self) -> None:
        if self.host not in _LOOPBACK and not self.behind_proxy:
            raise ConfigError(
                f"service.host is {self.host}, which other machines can reach, and "
                "the service does not speak TLS: put a proxy in front that does and "
                "set service.behind_proxy = true, or listen on 127.0.0.1"
            )
        if self.proxy_user_header and not self.behind_proxy:
            raise ConfigError(
                "service.proxy_user_header names who is logged in, and without a "
                "proxy in front anybody could write it: set service.behind_proxy = "
                "true, or leave it empty"
            )
        if self.max_calls < 1:
            raise ConfigError(
                f"service.max_calls must be 1 or more, got {self.max_calls}"
            )
        self._check_numbers()
        for member in self.teams:
            if not re.fullmatch(r"[\w-]{1,64}:[\w-]{1,64}", member, re.ASCII):
                raise ConfigError(
                    f"service.teams must hold team:agent_id, got {member!r}"
                )

    def _check_numbers(self) -> None:
        for name in ("audio_port", "http_port"):
            port: int = getattr(self, name)
            if not 0 <= port <= _LAST_PORT:
                raise ConfigError(
                    f"service.{name} must be 0 to {_LAST_PORT}, got {port}"
                )
        for name in ("session_hours", "hello_timeout_s", "watch_every_s"):
            lasts: float = getattr(self, name)
            if lasts <= 0:
                raise ConfigError(f"service.{name} must be above 0, got {lasts}")
        if self.resume_window_s < 0:
            raise ConfigError(
                f"service.resume_window_s must be 0 or more, got {self.resume_window_s}"
            )

    def team_of(self, agent_id: str, named: str | None) -> str:
        """Return the team that a hello names, else the agent's; empty: no team."""
        if named is not None:
            return named
        teams = (member.partition(":") for member in self.teams)
        return next((team for team, _, agent in teams if agent == agent_id), "")

    @property
    def recordings(self) -> Path:
        """The folder of the calls' audio."""
        return self.data_dir / "audio"

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'calmline.db'}"


@dataclass(frozen=True, slots=True)
class WhisperSettings:
    """Which speech recognition model listens.

    Attributes:
        backend: what runs Whisper.
        model: ``whisper-base`` (from the package registry), a path to an
            openai-whisper checkpoint, or the name of an openai-whisper model.
        languages: ISO 639-1 codes to choose from where none is fixed.
        threads: processor threads for one batch; 0 leaves torch's choice.
        workers: batches that run at once; 0 makes use of every processor core.
        batch: utterances of any calls in a batch at most; 0 suits the device.
        device: ``cpu``, or a GPU as torch calls it: ``cuda``, ``cuda:1``.
        precision: what matrices are multiplied in; ``auto`` suits the back end
            and the device.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    backend: Literal["openai-whisper", "faster-whisper"] = "openai-whisper"
    model: str = "whisper-base"
    languages: tuple[str, ...] = ("en", "zh")
    threads: int = 1
    workers: int = 0
    batch: int = 0
    device: str = "cpu"
    precision: Literal["auto", "float32", "bfloat16", "float16", "int8"] = "auto"

    def __post_init__(self) -> None:
        for name in ("threads", "workers", "batch"):
            value: int = getattr(self, name)
            if value < 0:
                raise ConfigError(f"whisper.{name} must be 0 or more, got {value}")


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """Which weights read anger from the customer's voice.

    Attributes:
        weights: ``permissive``, ``research`` (no commercial use), or a path to
            weights that ``calmline train voice`` wrote.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    weights: str = "permissive"


@dataclass(frozen=True, slots=True)
class WordsSettings:
    """Which weights read the customer's words.

    Attributes:
        weights: paths to weights that ``calmline train words`` wrote, one for each
            language; the shipped ones where there is none.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    weights: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class DiarisationSettings:
    """How voices on a line with one channel are told apart.

    Attributes:
        pipeline: your own pyannote pipeline: a folder that holds one, or its name on
            the hub, such as ``pyannote/speaker-diarization-community-1``; empty: the
            small models that come with Calmline.
        token_env: environment variable that holds your token for the hub.
        n_speakers: voices that our own models tell apart; 0: found out, from two to
            `most_speakers`. Your own pipeline always finds out by itself.
        most_speakers: see there.
        least_confidence: below it nobody is called the customer, and nobody scored.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    pipeline: str = ""
    token_env: str = "HF_TOKEN"  # noqa: S105  # a name, no secret
    n_speakers: int = 0
    most_speakers: int = 3
    least_confidence: float = 0.85

    def __post_init__(self) -> None:
        if self.n_speakers < 0 or self.n_speakers == 1:
            raise ConfigError(
                "diarisation.n_speakers must be 0 (found out), or 2 or more, "
                f"got {self.n_speakers}"
            )
        if self.most_speakers < 2:  # noqa: PLR2004  # a call has two parties
            raise ConfigError(
                f"diarisation.most_speakers must be 2 or more, got {self.most_speakers}"
            )
        if not 0.5 <= self.least_confidence < 1:  # noqa: PLR2004  # a coin's chance
            raise ConfigError(
                "diarisation.least_confidence must lie in [0.5, 1), "
                f"got {self.least_confidence}"
            )


@dataclass(frozen=True, slots=True)
class Settings:
    """Every section of the settings file."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    service: ServiceSettings = field(default_factory=ServiceSettings)
    whisper: WhisperSettings = field(default_factory=WhisperSettings)
    voice: VoiceSettings = field(default_factory=VoiceSettings)
    words: WordsSettings = field(default_factory=WordsSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    diarisation: DiarisationSettings = field(default_factory=DiarisationSettings)


def load_settings(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read the settings file, then the environment over it.

    Args:
        path: TOML file, or None for the defaults.
        environment: variables named ``CALMLINE_<SECTION>_<NAME>`` win over the file;
            lists are separated by commas.

    Raises:
        ConfigError: the file cannot be read, or a setting is unknown or wrong.
    """
    data = _read(path) if path is not None else {}
    known: set[str] = set()
    for section in fields(Settings):
        kind = get_type_hints(Settings)[section.name]
        for setting in fields(kind):
            key = f"{_PREFIX}{section.name}_{setting.name}".upper()
            known.add(key)
            if key in environment:
                values = data.setdefault(section.name, {})
                is_list = isinstance(setting.default, tuple)
                text = environment[key]
                values[setting.name] = text.split(",") if is_list else text
    sections = tuple(f"{_PREFIX}{one.name}_".upper() for one in fields(Settings))
    for key in environment:
        if key.startswith(sections) and key not in known:
            raise ConfigError(
                f"unknown setting {key} in the environment; docs/settings.md lists "
                "them all"
            )
    try:
        return TypeAdapter(Settings).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "unexpected_keyword_argument":
            raise ConfigError(
                f"unknown setting {name}; docs/settings.md lists them all"
            ) from error
        raise ConfigError(f"setting {name}: {first['msg']}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read the settings file {path}: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not TOML: expected text in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


def environment() -> Mapping[str, str]:
    """The process's environment; the one place that reads it."""
    return os.environ
