"""Settings: the figures as promised, and one clear line for each way to get one wrong."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.settings import ROOT, Settings, SettingsError, read_settings
from tests.conftest import MakeSettings

SHIPPED_FILE = ROOT / "settings.toml"
MB = 1_048_576


@pytest.mark.parametrize(
    ("name", "promised"),
    [
        ("work_starts", "09:00"),
        ("work_ends", "18:00"),
        ("due_simple_hours", 24),
        ("due_complex_days", 3),
        ("due_urgent_hours", 12),
        ("due_urgent_confirmed_hours", 4),
        ("due_complaint_days", 5),
        ("due_expedited_check_days", 1),
        ("due_expedited_hours", 24),
        ("reopen_days", 30),
        ("appeal_prefix", "ОБ"),
        ("message_characters", 4000),
        ("message_attachments", 10),
        ("max_picture_bytes", 5 * MB),
        ("max_document_bytes", 10 * MB),
        ("max_message_bytes", 10 * MB),
    ],
)
def test_ships_with_the_promised_figure(shipped: Settings, name: str, promised: object) -> None:
    assert getattr(shipped, name) == promised


def test_environment_goes_before_the_file(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTKLIK_DUE_SIMPLE_HOURS", "48")
    monkeypatch.setenv("OTKLIK_OFFICIAL_DOMAINS", '["desk.example.ru", "портал.рф"]')
    settings = make_settings()
    assert settings.due_simple_hours == 48
    assert settings.official_domains == ["desk.example.ru", "портал.рф"]


def test_names_another_file(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(SHIPPED_FILE.read_text(encoding="utf-8").replace("due_simple_hours = 24", "due_simple_hours = 36"), encoding="utf-8")
    monkeypatch.setenv("OTKLIK_SETTINGS_FILE", str(other))
    assert make_settings().due_simple_hours == 36


def test_database_is_a_file_in_the_data_folder_unless_named(make_settings: MakeSettings, tmp_path: Path) -> None:
    assert make_settings().database == f"sqlite:///{tmp_path / 'data' / 'otklik.db'}"
    assert make_settings(database_url="postgresql://desk@db/otklik").database == "postgresql://desk@db/otklik"


@pytest.mark.usefixtures("make_settings")
@pytest.mark.parametrize(
    ("name", "value", "wants"),
    [
        ("PORT", "eighty", "valid integer"),
        ("PORT", "0", "greater than or equal to 1"),
        ("PORT", "70000", "less than or equal to 65535"),
        ("COOKIE_SECURE", "perhaps", "valid boolean"),
        ("LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("DATA_DIR", str(SHIPPED_FILE), "a folder"),
        ("ARTICLES_DIR", str(SHIPPED_FILE), "a folder"),
        ("SETTINGS_FILE", "/nowhere/settings.toml", "the path of a settings.toml"),
        ("SETTINGS_FILE", str(ROOT), "the path of a settings.toml"),
        ("OFFICIAL_DOMAINS", "portal.example.ru", 'a JSON list like ["portal.example.ru"]'),
        ("OFFICIAL_DOMAINS", '"portal.example.ru"', "valid list"),
        ("OFFICIAL_DOMAINS", '["https://portal.example.ru/"]', "host names like portal.example.ru"),
        ("PORTAL_URL", "portal.example.ru", "an address like https://"),
        ("RASA_URL", "http://127.0.0.1:five", "an address like https://"),
        ("ACTION_URL", "ftp://127.0.0.1", "an address like https://"),
        ("DATABASE_URL", "not an address", "an address like postgresql"),
        ("DATABASE_URL", "mysql://desk@db/otklik", "an address like postgresql"),
        ("REDIS_URL", "redis.example.ru:6379", "an address like redis://"),
        ("REDIS_URL", "redis://:6379", "an address like redis://"),
        ("REDIS_URL", "redis://host/first", "an address like redis://"),
        ("REDIS_URL", "redis://host:port", "an address like redis://"),
        ("WORK_STARTS", "9:00", "a time of day like 09:00"),
        ("WORK_STARTS", "24:00", "a time of day like 09:00"),
        ("WORK_ENDS", "18:60", "a time of day like 09:00"),
        ("WORK_ENDS", "09:00", "a time later than OTKLIK_WORK_STARTS (09:00)"),
        ("TURN_LEASE_SECONDS", "20", "more than OTKLIK_ENGINE_TIMEOUT_SECONDS (20)"),
        ("TURN_LEASE_SECONDS", "soon", "valid number"),
        ("IMAP_HOST", "imap.example.ru", "it wants OTKLIK_IMAP_USER and OTKLIK_IMAP_PASSWORD beside it"),
        ("IMAP_SECURITY", "starttls", "with starttls it wants another OTKLIK_IMAP_PORT than 993"),
        ("IMAP_SECURITY", "ssl", "'none', 'starttls' or 'tls'"),
        ("IMAP_POLL_SECONDS", "3600", "less than or equal to 1740"),
        ("DUE_SIMPLE_HOURS", "0", "greater than 0"),
        ("DUE_COMPLEX_DAYS", "-3", "greater than 0"),
        ("MESSAGE_CHARACTERS", "5000", "less than or equal to 4000"),
        ("MAX_PICTURE_BYTES", "5 MB", "valid integer"),
        ("DEPARTMENTS", "quality", 'a JSON object like {"complaint": "quality"}'),
        ("DEPARTMENTS", '{"complaint": "Отдел качества"}', "complaint: string should match pattern"),
        ("DEPARTMENTS", '{"praise": "quality"}', "praise: there is no such setting"),
        ("APPEAL_PREFIX", "", "at least 1 character"),
        ("APPEAL_PREFIX", "ОБРАЩЕНИЕ", "at most 6 characters"),
    ],
)
def test_a_wrong_value_ends_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str, wants: str) -> None:
    monkeypatch.setenv(f"OTKLIK_{name}", value)
    assert wants in refusal(name)


Change = Callable[[str], str]


@pytest.mark.usefixtures("make_settings")
@pytest.mark.parametrize(
    ("change", "name", "wants"),
    [
        (lambda text: text + "\nanswer_hours = 3\n", "ANSWER_HOURS", "there is no such setting"),
        (lambda text: text.replace('hotline = "8 800 000-00-00"', ""), "HOTLINE", "it is missing"),
        (lambda text: text + "\nthis is not TOML\n", "SETTINGS_FILE", "cannot be read as TOML"),
        (lambda text: text + "\nport = 'eighty'\n", "PORT", "valid integer"),
    ],
)
def test_a_wrong_file_ends_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: Change, name: str, wants: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(change(SHIPPED_FILE.read_text(encoding="utf-8")), encoding="utf-8")
    monkeypatch.setenv("OTKLIK_SETTINGS_FILE", str(file))
    assert wants in refusal(name)


@pytest.mark.usefixtures("make_settings")
def test_a_file_in_another_encoding_ends_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes('service_name = "Отклик"'.encode("cp1251"))
    monkeypatch.setenv("OTKLIK_SETTINGS_FILE", str(file))
    assert "cannot be read as TOML" in refusal("SETTINGS_FILE")


@pytest.mark.usefixtures("make_settings")
@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("master_key = 20261123", "MASTER_KEY"),
        ("operator_password = 20261123", "OPERATOR_PASSWORD"),
        ("rasa_token = 20261123", "RASA_TOKEN"),
        ("operator_pasword = '20261123'", "OPERATOR_PASWORD"),  # mistyped
        ("database_url = 'secret20261123'", "DATABASE_URL"),
        ("redis_url = 'redis://:secret20261123@host/first'", "REDIS_URL"),
    ],
)
def test_a_secret_is_never_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, name: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(SHIPPED_FILE.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    monkeypatch.setenv("OTKLIK_SETTINGS_FILE", str(file))
    assert "20261123" not in refusal(name)


def refusal(name: str) -> str:
    """The one line with which reading is refused; it names the setting first."""
    with pytest.raises(SettingsError) as caught:
        read_settings()
    line = str(caught.value)
    assert line.startswith(f"OTKLIK_{name}: ")
    assert "\n" not in line
    return line


@pytest.mark.parametrize("token", ["secret", "123:", ":abc", "123:a/b", " 123:abc"])
def test_a_bot_token_has_to_look_like_one_and_is_not_shown(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("OTKLIK_TELEGRAM_TOKEN", token)
    line = refusal("TELEGRAM_TOKEN")
    assert "it wants a token like" in line
    assert token not in line


def test_settings_do_not_show_secrets(make_settings: MakeSettings) -> None:
    secrets = {
        "telegram_token": "12345:AAF-xyz",
        "master_key": "bm90IGEgc2VjcmV0",
        "rasa_token": "ticket20261123",
        "operator_password": "hunter20261123",
    }
    shown = repr(make_settings(**secrets, redis_url="redis://:sesame20261123@host/0"))
    assert all(secret not in shown for secret in [*secrets.values(), "sesame20261123"])


@pytest.mark.parametrize("variables", [{"OTKLIK_PORT": "eighty"}, {"OTKLIK_SETTINGS_FILE": "/nowhere/settings.toml"}])
def test_an_entry_point_ends_with_exit_code_2(variables: dict[str, str]) -> None:
    ended = run_due(**variables)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"otklik: {next(iter(variables))}: ")
    assert ended.stderr.count("\n") == 1


def run_due(**variables: str) -> "subprocess.CompletedProcess[str]":
    environment: dict[str, Any] = {name: value for name, value in os.environ.items() if not name.startswith("OTKLIK_")}
    command = [sys.executable, "-m", "handoff", "due", "simple", "2026-11-23T10:00"]
    return subprocess.run(command, cwd=ROOT, env=environment | variables, capture_output=True, text=True, timeout=60, check=False)
