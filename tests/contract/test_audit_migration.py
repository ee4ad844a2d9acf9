"""The audit log of before the chain, after the migration."""

import uuid

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, create_engine

from core import audit
from core.desk import open_desk
from core.models import now
from core.settings import ROOT
from tests.conftest import MakeSettings


def test_the_migration_keeps_the_rows_of_before(make_settings: MakeSettings, empty_database_url: str) -> None:
    settings = make_settings(database_url=empty_database_url)
    settings.data_dir.mkdir()
    engine = create_engine(settings.database)
    operator_id, conversation_id = uuid.uuid4(), uuid.uuid4()
    config = Config()
    config.set_main_option("script_location", str(ROOT / "core" / "migrations"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        known = MetaData()
        known.reflect(connection, only=["operators", "conversations", "audit"])
        words = {"login": "ivanova", "name": "", "role": "operator", "department": "", "password_hash": "", "created_at": now()}
        connection.execute(known.tables["operators"].insert().values(id=_plain(connection, operator_id), **words))
        numbers = {"epoch": 1, "episode": 1, "episode_turns": 0, "last_seq": 0, "channel": "widget", "mode": "bot", "created_at": now()}
        connection.execute(known.tables["conversations"].insert().values(id=_plain(connection, conversation_id), **numbers))
        for subject in ("snils1", "phone1"):
            connection.execute(
                known.tables["audit"]
                .insert()
                .values(
                    id=_plain(connection, uuid.uuid4()),
                    operator_id=_plain(connection, operator_id),
                    conversation_id=_plain(connection, conversation_id),
                    action="reveal",
                    subject=subject,
                    reason_sealed=b"sealed",
                    created_at=now(),
                )
            )
    engine.dispose()
    desk = open_desk(settings)
    try:
        kept = [
            (row.seq, row.actor, row.operator_id, row.conversation_id, row.subject) for row in reversed(desk.database.read(audit.entries))
        ]
        assert kept == [(1, "ivanova", operator_id, conversation_id, "snils1"), (2, "ivanova", operator_id, conversation_id, "phone1")]
        migrated = desk.database.read(audit.verify, desk.vault)
        assert (migrated.faults, migrated.has_begun) == ([], False)
        desk.database.write(audit.append, desk.vault, audit.DESK, audit.LOGIN)
        begun = desk.database.read(audit.verify, desk.vault)
        assert (begun.faults, begun.has_begun) == ([], True)
    finally:
        desk.close()


def _plain(connection: Connection, value: uuid.UUID) -> object:
    """As a column of that database takes it without the models' types."""
    return value.hex if connection.dialect.name == "sqlite" else value
