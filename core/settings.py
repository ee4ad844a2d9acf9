"""The one settings object.

What the desk promises (addresses, hours, deadlines, limits) has no default in code: it is read from ``settings.toml`` and may be
overridden, like everything else, by environment variables with the prefix ``OTKLIK_``.
"""

import os
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings.exceptions import SettingsError as UnreadableVariable
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from core.calendar_file import read_overrides

_SHORTEST_KEY_BITS = 1024  # what mail servers take for a signature at all (RFC 8301)
ROOT = Path(__file__).resolve().parent.parent
PREFIX = "OTKLIK_"

Hours = Annotated[int, Field(gt=0, le=24 * 365)]
Days = Annotated[int, Field(gt=0, le=365)]
KeptDays = Annotated[int, Field(gt=0, le=36_500)]
Bytes = Annotated[int, Field(gt=0, le=1024**3)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Pause = Annotated[float, Field(gt=0, le=14 * 24 * 3600)]  # seconds too, up to two weeks


def _clock_time(value: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError("it wants a time of day like 09:00")
    return value


def _domain(value: str) -> str:
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", value):
        raise ValueError("it wants host names like portal.example.ru")
    return value


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, brackets that do not close
        is_address = False
    if not is_address:
        raise ValueError("it wants an address like https://portal.example.ru")
    return value


def _email_address(value: str) -> str:
    if not re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", value):
        raise ValueError("it wants an address like support@portal.example.ru")
    return value


def _folder(value: Path) -> Path:
    if value.exists() and not value.is_dir():
        raise ValueError("it wants a folder")
    return value


def _key_file(value: Path) -> Path:
    """A key that signs letters: RSA, as some mail servers know no other."""
    if value == Path():
        return value
    try:
        key = load_pem_private_key(value.read_bytes(), None)
    except OSError:
        raise ValueError("it wants a file that can be read") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):  # of a password that it wants: TypeError
        raise ValueError("it wants a private key in PEM without a password") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _SHORTEST_KEY_BITS:
        raise ValueError(f"it wants an RSA key of at least {_SHORTEST_KEY_BITS} bits")
    return value


def _database_address(value: str) -> str:
    try:
        is_address = not value or make_url(value).drivername in ("postgresql", "postgresql+psycopg", "sqlite", "sqlite+pysqlite")
    except (ArgumentError, ValueError):
        is_address = False
    if not is_address:
        raise ValueError("it wants an address like postgresql+psycopg://user:password@host/name")
    return value


def _redis_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_address = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
        is_address = is_address and re.fullmatch(r"(/\d*)?", parts.path) is not None
    except ValueError:
        is_address = False
    if value and not is_address:
        raise ValueError("it wants an address like redis://:password@host:6379/0")
    return value


def _daemon_address(value: str) -> str:
    host, _, port = value.rpartition(":")
    is_port = port.isascii() and port.isdecimal() and 0 < int(port) <= 65535
    if value and not value.startswith("/") and not (is_port and re.fullmatch(r"[\w.-]+|\[[0-9a-fA-F:.]+\]", host)):
        raise ValueError("it wants host:port or the path of a socket, like 127.0.0.1:3310 or /run/clamav/clamd.ctl")
    return value


def _bot_token(value: SecretStr) -> SecretStr:
    if value.get_secret_value() and not re.fullmatch(r"[0-9]+:[\w-]+", value.get_secret_value()):
        raise ValueError("it wants a token like 123456789:AAF-x_… as BotFather gives it")
    return value


def _pattern_of_one_group(value: str) -> str:
    try:
        has_one_group = re.compile(value).groups == 1
    except re.error:
        has_one_group = False
    if not has_one_group:
        raise ValueError("it wants a regular expression with one group, like № ([0-9]{10,14})")
    return value


def _calendar_file(value: Path | None) -> Path | None:
    read_overrides(value)
    return value


ClockTime = Annotated[str, AfterValidator(_clock_time)]
Domain = Annotated[str, AfterValidator(_domain)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
EmailAddress = Annotated[str, AfterValidator(_email_address)]
Folder = Annotated[Path, AfterValidator(_folder)]
DaemonAddress = Annotated[str, AfterValidator(_daemon_address)]
Department = Annotated[str, Field(max_length=40, pattern="^[a-z0-9-]+$")]


class Departments(BaseModel):
    """Where an appeal goes by what it is about (handoff/topics.py): slugs as accounts name them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: Department
    application_question: Department
    technical_problem: Department
    outage: Department
    complaint: Department
    suggestion: Department


class Settings(BaseSettings):
    """Every setting, typed and checked. Durations are in the unit that the name ends with, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, populate_by_name=True)

    # Where things are.
    settings_file: Path = ROOT / "settings.toml"
    data_dir: Folder = ROOT / "data"
    articles_dir: Folder = ROOT / "knowledge_base" / "articles"
    calendar_file: Annotated[Path | None, AfterValidator(_calendar_file)] = None  # days off and working days of the desk's own
    synonyms_file: Path = ROOT / "knowledge_base" / "synonyms.yml"
    rasa_model: Path = ROOT / "models" / "otklik.tar.gz"
    rasa_python: Path = ROOT / ".venv-rasa" / "bin" / "python"
    database_url: Annotated[str, AfterValidator(_database_address)] = ""  # empty: SQLite in the data folder
    redis_url: Annotated[str, AfterValidator(_redis_address)] = Field(default="", repr=False)  # empty: one gateway, events in process

    # How it is reached.
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    rasa_url: WebAddress = "http://127.0.0.1:5005"
    rasa_token: SecretStr = SecretStr("")
    action_url: WebAddress = "http://127.0.0.1:5055"
    cookie_secure: bool = False  # true behind TLS
    # Where citizens find the desk: links in letters begin with it.
    public_url: WebAddress = Field(default_factory=lambda given: f"http://{given['host']}:{given['port']}")
    trusted_proxies: str = ""  # addresses, separated by commas, whose X-Forwarded-For tells who the client is

    # Secrets: without them they are made once and kept in the data folder, readable by their owner only.
    master_key: SecretStr = SecretStr("")
    operator_password: SecretStr = SecretStr("")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # The search's encoder: empty for the static one tuned on the articles, else a sentence-transformers model's folder or hub name.
    embedder_model: str = ""

    # The turn.
    engine_timeout_seconds: Seconds = 20
    engine_wait_seconds: Seconds = 45  # how long a turn waits for an engine that is restarting
    turn_lease_seconds: Seconds = 30  # longer than engine_timeout_seconds; renewed while a turn waits
    sweep_seconds: Seconds = 2
    episode_turns: Annotated[int, Field(gt=0)] = 20  # a longer tracker makes each turn slower: a new episode begins
    turn_workers: Annotated[int, Field(gt=0, le=256)] = 16

    # Deadlines at work.
    deadline_check_seconds: Annotated[float, Field(gt=0, le=600)] = 60

    # Screenshots: read by tesseract, if it is there.
    tesseract: str = "tesseract"  # the command; empty: off
    screenshots_at_once: Annotated[int, Field(gt=0, le=16)] = 1
    screenshot_seconds: Annotated[int, Field(gt=0, le=120)] = 20  # what takes longer, a photograph full of noise, is not read
    screenshot_wait_seconds: Annotated[float, Field(ge=0, le=4)] = 2  # how long the bot waits for the text before it goes on without

    # Letters in: from a mailbox over IMAP, or without one from the Maildir `incoming` of mail_dir.
    imap_host: str = ""
    imap_port: Annotated[int, Field(ge=1, le=65535)] = 993
    imap_security: Literal["none", "starttls", "tls"] = "tls"
    imap_user: str = ""
    imap_password: SecretStr = SecretStr("")
    imap_folder: Annotated[str, Field(min_length=1)] = "INBOX"
    imap_timeout_seconds: Seconds = 30
    imap_poll_seconds: Annotated[float, Field(gt=0, le=29 * 60)] = 60  # servers end an IDLE after half an hour
    letters_at_once: Annotated[int, Field(gt=0, le=32)] = 4  # of which something is made; those of one sender one after another

    # Letters out: through an SMTP server, or without one into the Maildir `outgoing` of mail_dir, which is beside the data folder.
    smtp_host: str = ""
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_security: Literal["none", "starttls", "tls"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_timeout_seconds: Seconds = 60
    # Signatures of letters (DKIM): off without a selector.
    dkim_selector: Annotated[str, Field(pattern=r"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)?$", max_length=63)] = ""
    dkim_domain: Annotated[str, Field(pattern=r"^([\w-]+(\.[\w-]+)+)?$")] = ""  # empty: the official address's
    dkim_key_file: Annotated[Path, AfterValidator(_key_file)] = Path()
    mail_dir: Folder = Field(default_factory=lambda given: given["data_dir"].with_name(f"{given['data_dir'].name}-mail"))

    # What looks for viruses and for spam: off without an address.
    clamd_address: DaemonAddress = ""
    clamd_seconds: Seconds = 30  # for one file; what takes longer counts as not scanned
    clamd_again_seconds: Seconds = 60  # how often what could not be scanned is tried again
    spamd_address: DaemonAddress = ""
    spamd_seconds: Seconds = 20
    spam_score: Annotated[float, Field(ge=0, le=1000)] = 0  # from which a letter is spam; 0: as spamd says

    # Telegram: off without a token.
    telegram_token: Annotated[SecretStr, AfterValidator(_bot_token)] = SecretStr("")
    telegram_bot_name: Annotated[str, Field(pattern="^([A-Za-z0-9_]{5,32})?$")] = ""  # for links to the bot; empty: no letter has one
    telegram_api_url: WebAddress = "https://api.telegram.org"
    telegram_poll_seconds: Annotated[int, Field(ge=1, le=50)] = 25  # how long a call for news is held at the other side

    # A delivery that fails is tried again after a pause that doubles, until it is given up.
    delivery_lease_seconds: Seconds = 120  # longer than smtp_timeout_seconds
    delivery_first_pause_seconds: Pause = 5 * 60
    delivery_longest_pause_seconds: Pause = 6 * 3600
    delivery_give_up_seconds: Pause = 3 * 24 * 3600

    # What one client may do.
    messages_per_minute: Annotated[int, Field(gt=0)] = 120
    conversations_per_minute: Annotated[int, Field(gt=0)] = 300
    logins_per_minute: Annotated[int, Field(gt=0)] = 20
    status_checks_per_minute: Annotated[int, Field(gt=0)] = 30
    feedback_forms_per_minute: Annotated[int, Field(gt=0)] = 30
    help_searches_per_minute: Annotated[int, Field(gt=0)] = 600  # one person who types makes two or three a second
    # Wrong passwords and access codes: the first ones are free, each further one costs a growing pause, too many a lock.
    guesses_free: Annotated[int, Field(ge=0)] = 5
    guesses_most: Annotated[int, Field(gt=0)] = 12
    guess_lock_seconds: Annotated[int, Field(gt=0, le=24 * 3600)] = 900
    operator_reads_per_minute: Annotated[int, Field(gt=0)] = 600
    reveals_per_minute: Annotated[int, Field(gt=0)] = 60
    appeals_per_snils_per_day: Annotated[int, Field(gt=0)] = 50
    letter_replies_per_day: Annotated[int, Field(gt=0)] = 20  # that the desk sends one address of its own accord
    letters_per_hour: Annotated[int, Field(gt=0)] = 60  # of one address; what comes beyond waits in quarantine
    letters_per_day: Annotated[int, Field(gt=0)] = 200
    exports_per_day: Annotated[int, Field(gt=0)] = 5  # of one conversation
    undelivered_days: Annotated[int, Field(gt=0, le=365)] = 30  # how long a letter that did not arrive is on the operators' list
    transcripts_per_day: Annotated[int, Field(gt=0)] = 5  # letters with what was said in one conversation
    operator_session_hours: Hours = 12

    # What the desk promises: settings.toml.
    service_name: str
    portal_url: WebAddress
    official_email: EmailAddress
    hotline: str
    official_domains: list[Domain]
    work_starts: ClockTime
    work_ends: ClockTime
    due_simple_hours: Hours
    due_complex_days: Days
    due_urgent_hours: Hours
    due_urgent_confirmed_hours: Hours
    due_complaint_days: Days
    due_expedited_check_days: Days
    due_expedited_hours: Hours
    soon_overdue_hours: Hours
    reminder_days: Days
    reopen_days: Days
    priority_repeat: Annotated[int, Field(ge=0)]
    priority_expedited: Annotated[int, Field(ge=0)]
    senior_department: Annotated[str, Field(min_length=1, max_length=40, pattern="^[a-z0-9-]+$")]
    form_pause_minutes: Annotated[int, Field(gt=0, le=24 * 60)]
    appeal_prefix: Annotated[str, Field(min_length=1, max_length=6)]
    departments: Departments
    consent_version: Annotated[str, Field(min_length=1, max_length=40)]
    application_number_pattern: Annotated[str, AfterValidator(_pattern_of_one_group)]
    message_characters: Annotated[int, Field(gt=0, le=4000)]
    message_attachments: Annotated[int, Field(gt=0, le=10)]
    max_picture_bytes: Bytes
    max_document_bytes: Bytes
    max_message_bytes: Bytes
    max_picture_pixels: Annotated[int, Field(gt=0)]
    max_letter_bytes: Bytes
    letter_messages: Annotated[int, Field(gt=0, le=100)]
    transcript_characters: Annotated[int, Field(gt=0, le=1_000_000)]

    # How long data is kept: settings.toml.
    keep_conversation_days: KeptDays
    keep_appeal_days: KeptDays
    keep_attachment_days: KeptDays
    keep_withdrawn_days: KeptDays
    keep_audit_days: KeptDays
    keep_telegram_update_days: KeptDays
    keep_letter_days: KeptDays
    keep_quarantine_days: KeptDays
    keep_export_hours: Hours
    draft_hours: Hours
    retention_at: ClockTime
    max_export_bytes: Bytes

    # Articles: settings.toml.
    tune_at: ClockTime

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        given: dict[str, Any] = {**env_settings(), **init_settings()}
        path = Path(given.get("settings_file", cls.model_fields["settings_file"].default))
        if not path.is_file():
            raise SettingsError(f"{PREFIX}SETTINGS_FILE: there is no file {path}; it wants the path of a settings.toml")
        try:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, path)
        except (ValueError, OSError) as error:
            raise SettingsError(f"{PREFIX}SETTINGS_FILE: {path} cannot be read as TOML: {error}".replace("\n", " ")) from None

    @model_validator(mode="after")
    def _check_together(self) -> "Settings":
        if self.work_starts >= self.work_ends:
            raise ValueError(f"{PREFIX}WORK_ENDS: it wants a time later than {PREFIX}WORK_STARTS ({self.work_starts})")
        if self.turn_lease_seconds <= self.engine_timeout_seconds:
            longer_than = f"{PREFIX}ENGINE_TIMEOUT_SECONDS ({self.engine_timeout_seconds:g})"
            raise ValueError(f"{PREFIX}TURN_LEASE_SECONDS: it wants more than {longer_than}")
        if self.delivery_lease_seconds <= self.smtp_timeout_seconds:
            longer_than = f"{PREFIX}SMTP_TIMEOUT_SECONDS ({self.smtp_timeout_seconds:g})"
            raise ValueError(f"{PREFIX}DELIVERY_LEASE_SECONDS: it wants more than {longer_than}")
        if self.imap_host and not (self.imap_user and self.imap_password.get_secret_value()):
            raise ValueError(f"{PREFIX}IMAP_HOST: it wants {PREFIX}IMAP_USER and {PREFIX}IMAP_PASSWORD beside it")
        if self.imap_security == "starttls" and self.imap_port == 993:
            raise ValueError(f"{PREFIX}IMAP_SECURITY: with starttls it wants another {PREFIX}IMAP_PORT than 993, mostly 143")
        if bool(self.dkim_selector) != (self.dkim_key_file != Path()):
            raise ValueError(f"{PREFIX}DKIM_SELECTOR: it wants {PREFIX}DKIM_KEY_FILE beside it, and the other way round")
        if self.mail_dir.resolve().is_relative_to(self.data_dir.resolve()):
            # Letters are readable; the data folder promises that nothing personal is.
            raise ValueError(f"{PREFIX}MAIL_DIR: it wants a folder outside the data folder ({self.data_dir})")
        return self

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the desk's database."""
        return self.database_url or f"sqlite:///{self.database_file}"

    @property
    def database_file(self) -> Path:
        """Where the embedded database is."""
        return self.data_dir / "otklik.db"

    @property
    def signing_domain(self) -> str:
        """Whose key signs letters, in ASCII."""
        return (self.dkim_domain or self.official_email.rpartition("@")[2]).encode("idna").decode()

    @property
    def index_dir(self) -> Path:
        return self.data_dir / "index"

    @property
    def has_telegram_link(self) -> bool:
        """Whether a citizen can be sent to the bot's chat by a link."""
        return bool(self.telegram_token.get_secret_value() and self.telegram_bot_name)

    def is_official(self, host: str) -> bool:
        """Whether a host is one of the official domains, or below one."""
        host = host.casefold()
        return any(host == own or host.endswith(f".{own}") for own in map(str.casefold, self.official_domains))


class SettingsError(Exception):
    """A setting is missing or wrong; the text is one line that names it and says what it wants."""


def read_settings(**values: Any) -> Settings:
    """Reads environment and file. Raises SettingsError with one line a person can act on."""
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_in_one_line(dict(error.errors()[0]))) from None
    except UnreadableVariable as error:
        found = re.search(r'field "(\w+)"', str(error))
        name = found[1].upper() if found else "…"
        example = 'object like {"complaint": "quality"}' if name == "DEPARTMENTS" else 'list like ["portal.example.ru"]'
        raise SettingsError(f"{PREFIX}{name}: it wants a JSON {example}") from None


def _in_one_line(error: dict[str, Any]) -> str:
    wants = str(error["msg"]).removeprefix("Value error, ").replace("\n", " ")
    if not error["loc"]:  # settings that do not go together: the message names them
        return wants
    name = str(error["loc"][0])
    setting = ": ".join([f"{PREFIX}{name.upper()}", *(part for part in error["loc"][1:] if isinstance(part, str))])
    if error["type"] == "missing":
        return f"{setting}: it is missing; it wants a value in settings.toml or in the environment"
    if error["type"] == "extra_forbidden":  # its value is not quoted: it may be a secret under a mistyped name
        return f"{setting}: there is no such setting; correct or remove {error['loc'][-1]} in settings.toml"
    secret = any(part in name for part in ("password", "key", "token", "database_url", "redis_url"))
    got = "" if secret else f" (got {str(error['input'])[:80]!r})"
    return f"{setting}: {wants[0].lower() + wants[1:]}{got}"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once. At a process's start, use ``settings_or_exit``."""
    return read_settings()


def settings_or_exit() -> Settings:
    """For entry points: a wrong setting ends the process with one line and exit code 2. Files made from here on are their owner's only."""
    os.umask(0o077)
    try:
        return settings()
    except SettingsError as error:
        print(f"otklik: {error}", file=sys.stderr)
        raise SystemExit(2) from None
