from pathlib import Path

import pytest

from server.config import (
    ServiceSettings,
    Settings,
    VoiceSettings,
    WhisperSettings,
    load_settings,
)
from server.errors import ConfigError

pytestmark = pytest.mark.unit


def test_defaults_listen_on_loopback_only() -> None:
    assert load_settings(None, {}) == Settings()
    assert Settings().service.host == "127.0.0.1"


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "calmline.toml"
    file.write_text("[service]\nhttp_port = 81\nmax_calls = 3\n", encoding="utf-8")

    settings = load_settings(
        file,
        {"CALMLINE_SERVICE_HTTP_PORT": "82", "CALMLINE_WHISPER_LANGUAGES": "zh,en"},
    )

    assert settings.service == ServiceSettings(http_port=82, max_calls=3)
    assert settings.whisper == WhisperSettings(languages=("zh", "en"))
    assert settings.voice == VoiceSettings("permissive")


def test_other_voice_weights_are_chosen_on_purpose() -> None:
    settings = load_settings(None, {"CALMLINE_VOICE_WEIGHTS": "research"})

    assert settings.voice.weights == "research"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[service]\nhttp_prot = 1\n", "service.http_prot"),
        ("[servce]\n", "servce"),
        ("[service]\nmax_calls = 0\n", "max_calls"),
        ("[service]\nhttp_port = 'x'\n", "service.http_port"),
        ("[service]\nhttp_port = 99999\n", "http_port must be 0 to 65535"),
        ("[service]\nwatch_every_s = 0\n", "watch_every_s must be above 0"),
        ("[service]\nresume_window_s = -1\n", "resume_window_s must be 0 or more"),
        ("[service]\nhello_timeout_s = inf\n", "hello_timeout_s.* finite"),
        ("not toml", "TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "calmline.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=named):
        load_settings(file, {})


def test_a_wrong_name_in_the_environment_is_named() -> None:
    with pytest.raises(ConfigError, match="CALMLINE_SERVICE_PORT"):
        load_settings(None, {"CALMLINE_SERVICE_PORT": "80"})

    assert load_settings(None, {"CALMLINE_HOME": "/x", "PATH": "/y"})


def test_a_file_that_is_no_text_is_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / "calmline.toml"
    file.write_bytes(b"\xff\xfe[service]")

    with pytest.raises(ConfigError, match="UTF-8"):
        load_settings(file, {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_settings(tmp_path / "nowhere.toml", {})


def test_other_machines_are_let_in_only_behind_a_proxy() -> None:
    with pytest.raises(ConfigError, match="behind_proxy"):
        ServiceSettings(host="0.0.0.0")  # noqa: S104 - what is being refused

    assert ServiceSettings(host="0.0.0.0", behind_proxy=True)  # noqa: S104 - as above
