"""What has to be there before the desk starts: the folder, the database, the first operator, the articles and their index."""

import secrets
from collections.abc import Callable

from sqlalchemy.orm import Session

from core.database import Database, open_database
from core.keys import open_keyring, secret_file
from core.models import Role
from core.settings import PREFIX, Settings, SettingsError
from handoff import operators
from handoff.appeals import GENERAL_DEPARTMENT
from knowledge_base import articles
from knowledge_base.building import build

FIRST_LOGIN = "operator"
FIRST_NAME = "Дежурный"
PASSWORD_FILE = "operator-password"  # noqa: S105 - a file's name


def prepare(settings: Settings, say: Callable[[str], None]) -> None:
    """Does what is not done yet and says what it does. Raises SettingsError, articles.ArticleError."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    open_keyring(settings)
    database = open_database(settings)
    try:
        _add_first_operator(database, settings)
        if not database.read(articles.stored):
            added = database.write(articles.seed, articles.read_folder(settings.articles_dir))
            say(f"Articles put into the database: {added}")
        build(database.read(articles.stored), settings.index_dir, embedder_model=settings.embedder_model, progress=say)
    finally:
        database.close()


def first_password(settings: Settings) -> str:
    """The first operator's password as set, or as generated at the first start."""
    given = settings.operator_password.get_secret_value()
    return given or secret_file(settings.data_dir / PASSWORD_FILE, lambda: secrets.token_urlsafe(12))


def _add_first_operator(database: Database, settings: Settings) -> None:
    def is_there(session: Session) -> bool:
        return bool(operators.all_operators(session))

    if database.read(is_there):
        return
    try:
        password_hash = operators.hash_password(first_password(settings))
    except operators.AccountError as error:
        raise SettingsError(f"{PREFIX}OPERATOR_PASSWORD: {error}") from None
    database.write(operators.add, FIRST_LOGIN, FIRST_NAME, Role.ADMINISTRATOR, GENERAL_DEPARTMENT, password_hash)
