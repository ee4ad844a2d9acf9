"""Articles of before revisions, after the migration."""

from datetime import date

from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, create_engine

from core.desk import open_desk
from core.settings import ROOT
from knowledge_base import editing
from knowledge_base.content import Content
from tests.conftest import MakeSettings


def test_each_gets_its_first_revision_and_its_sections_slug(make_settings: MakeSettings, empty_database_url: str) -> None:
    settings = make_settings(database_url=empty_database_url)
    settings.data_dir.mkdir()
    engine = create_engine(settings.database)
    config = Config()
    config.set_main_option("script_location", str(ROOT / "core" / "migrations"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        known = MetaData()
        known.reflect(connection, only=["articles"])
        old = {"slug": "password", "title": "Пароль", "section": "Вход и безопасность", "aliases": ["забыл пароль"], "text": "Текст."}
        connection.execute(known.tables["articles"].insert().values(**old, updated=date(2026, 11, 20)))
    engine.dispose()
    desk = open_desk(settings)
    try:
        (first,) = desk.database.read(editing.revisions, "password")
        assert (first.number, first.author, first.imported) == (1, "seed", True)
        assert Content.of(first) == Content("Пароль", "account", "Текст.", ("забыл пароль",))
        assert Content.of(desk.database.read(editing.find, "password")) == Content.of(first)
    finally:
        desk.close()
