"""What has to be there before the desk starts: the folder, the database, the first operator, the articles and their index."""

import secrets
from collections.abc import Callable

from sqlalchemy.orm import Session

from core import audit
from core.database import Database, open_database
from core.desk import open_vault
from core.keys import open_keyring, secret_file
from core.models import Role
from core.settings import PREFIX, Settings, SettingsError
from handoff import operators
from handoff.topics import Topic, department_of
from knowledge_base import articles
from knowledge_base.building import build

FIRST_LOGIN = "operator"
FIRST_NAME = "Дежурный"
PASSWORD_FILE = "operator-password"  # noqa: S105 - a file's name


def prepare(settings: Settings, say: Callable[[str], None]) -> None:
    """Does what is not done yet and says what it does. Raises SettingsError, ArticleError, IndexRefused."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    settings.data_dir.chmod(0o700)
    open_keyring(settings)
    database = open_database(settings)
    try:
        _add_first_operator(database, settings)
        if not database.read(articles.stored):
            added = database.write(articles.seed, articles.read_folder(settings.articles_dir, settings))
            say(f"Articles put into the database: {added}")
        # The embedder is tuned when there is none; later each night (bot/article_index.py), so that no start waits for it.
        build(
            database.read(articles.published),
            settings.index_dir,
            settings.embedder_model,
            retune=False,
            synonyms_file=settings.synonyms_file,
            progress=say,
        )
    finally:
        database.close()


def first_login(settings: Settings) -> tuple[str, str] | None:
    """The first operator's login and password while they still open the console."""
    given = settings.operator_password.get_secret_value()
    file = settings.data_dir / PASSWORD_FILE
    password = given or (file.read_text().strip() if file.exists() else "")
    database = open_database(settings)
    try:
        operator = database.read(operators.find_by_login, FIRST_LOGIN)
    finally:
        database.close()
    return (FIRST_LOGIN, password) if operators.password_matches(operator, password) else None


def _add_first_operator(database: Database, settings: Settings) -> None:
    if database.read(operators.all_operators):
        return
    given = settings.operator_password.get_secret_value()
    try:
        password_hash = operators.hash_password(given or secret_file(settings.data_dir / PASSWORD_FILE, lambda: secrets.token_urlsafe(12)))
    except operators.AccountError as error:
        raise SettingsError(f"{PREFIX}OPERATOR_PASSWORD: {error}") from None

    vault = open_vault(settings, database)

    def add(session: Session) -> None:
        operators.add(session, FIRST_LOGIN, FIRST_NAME, Role.ADMINISTRATOR, department_of(Topic.QUESTION, settings), password_hash)
        audit.append(session, vault, audit.DESK, audit.ACCOUNT_ADDED, FIRST_LOGIN)

    database.write(add)
