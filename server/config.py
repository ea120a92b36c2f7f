"""Settings: one TOML file, environment on top, checked before anything starts."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from server.errors import ConfigError

_PREFIX = "CALMLINE_"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Where the service listens and keeps its data.

    Attributes:
        host: address to listen on. Anything but loopback needs a proxy in front
            that authenticates: the service has no log-in yet, and refuses to
            start unless `behind_proxy` says there is one.
        behind_proxy: an authenticating proxy stands in front.
        audio_port: WebSocket port for call audio; 0 takes a free one.
        http_port: port for pages, screens and HTTP; 0 takes a free one.
        data_dir: folder for the database and the recordings.
        database_url: SQLAlchemy URL; empty: SQLite inside `data_dir`.
        max_calls: live calls at most; further ones are refused.
        resume_window_s: how long a call whose line is lost waits for its client.
        hello_timeout_s: how long a new connection may be silent.
    """

    host: str = "127.0.0.1"
    behind_proxy: bool = False
    audio_port: int = 8765
    http_port: int = 8080
    data_dir: Path = Path("calmline-data")
    database_url: str = ""
    max_calls: int = 200
    resume_window_s: float = 30.0
    hello_timeout_s: float = 5.0

    def __post_init__(self) -> None:
        if self.host not in _LOOPBACK and not self.behind_proxy:
            raise ConfigError(
                f"service.host is {self.host}, which other machines can reach, and "
                "the service has no log-in yet: put an authenticating proxy in "
                "front and set service.behind_proxy = true, or listen on 127.0.0.1"
            )
        if self.max_calls < 1:
            raise ConfigError(
                f"service.max_calls must be 1 or more, got {self.max_calls}"
            )

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'calmline.db'}"


@dataclass(frozen=True, slots=True)
class WhisperSettings:
    """Which speech recognition model listens.

    Attributes:
        model: ``whisper-base`` (from the package registry), a path to an
            openai-whisper checkpoint, or the name of an openai-whisper model.
        languages: ISO 639-1 codes to choose from where none is fixed.
        threads: processor threads for one inference; 0 leaves torch's choice.
    """

    model: str = "whisper-base"
    languages: tuple[str, ...] = ("en", "zh")
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """Every section of the settings file."""

    service: ServiceSettings = field(default_factory=ServiceSettings)
    whisper: WhisperSettings = field(default_factory=WhisperSettings)


def load_settings(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read the settings file, then the environment over it.

    Args:
        path: TOML file, or None for the defaults.
        environment: variables named ``CALMLINE_<SECTION>_<NAME>`` win over the file.

    Raises:
        ConfigError: the file cannot be read, or a setting is unknown or wrong.
    """
    data: dict[str, dict[str, Any]] = {}
    if path is not None:
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(
                f"cannot read the settings file {path}: {error.strerror}"
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path} is not TOML: {error}") from error
    known = {f.name: f.default_factory for f in fields(Settings)}
    for section, values in data.items():
        if section not in known:
            raise ConfigError(
                f"unknown section [{section}] in {path}: expected one of "
                f"{', '.join(known)}"
            )
        names = {f.name for f in fields(known[section])}  # type: ignore[arg-type]  # the factories are the dataclasses
        for name in values:
            if name not in names:
                raise ConfigError(
                    f"unknown setting {section}.{name}: expected one of "
                    f"{', '.join(sorted(names))}"
                )
    for section, factory in known.items():
        for setting in fields(factory):  # type: ignore[arg-type]  # as above
            key = f"{_PREFIX}{section}_{setting.name}".upper()
            if key in environment:
                value: Any = environment[key]
                if setting.name == "languages":
                    value = value.split(",")
                data.setdefault(section, {})[setting.name] = value
    try:
        return TypeAdapter(Settings).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"setting {name}: {first['msg']}") from error


def environment() -> Mapping[str, str]:
    """The process's environment; the one place that reads it."""
    return os.environ
