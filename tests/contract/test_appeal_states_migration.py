"""Appeals of before their states, after the migration."""

import uuid
from datetime import UTC, datetime
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, create_engine, select

from core.desk import open_desk
from core.models import Appeal, AppealStatus, now
from core.settings import ROOT
from tests.conftest import MakeSettings
from tests.scenes import LATER, MONDAY


def test_what_was_opened_again_counts_from_then(make_settings: MakeSettings, empty_database_url: str) -> None:
    settings = make_settings(database_url=empty_database_url)
    settings.data_dir.mkdir()
    engine = create_engine(settings.database)
    config = Config()
    config.set_main_option("script_location", str(ROOT / "core" / "migrations"))
    config.set_main_option("path_separator", "os")
    kept = [("registered", False), ("registered", True), ("in_progress", True), ("closed", False)]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0012")
        tables = MetaData()
        tables.reflect(connection, only=["conversations", "appeals", "appeal_events"])
        conversation_id = as_stored(connection, uuid.uuid4())
        numbers = {"epoch": 1, "episode": 1, "episode_turns": 0, "last_seq": 0, "channel": "widget", "mode": "bot", "created_at": now()}
        connection.execute(tables.tables["conversations"].insert().values(id=conversation_id, **numbers))
        for ordinal, (status, was_reopened) in enumerate(kept, 1):
            appeal_id = as_stored(connection, uuid.uuid4())
            connection.execute(
                tables.tables["appeals"]
                .insert()
                .values(
                    id=appeal_id,
                    number=f"ОБ-{ordinal}",
                    year=2026,
                    ordinal=ordinal,
                    conversation_id=conversation_id,
                    kind="simple",
                    status=status,
                    department="support",
                    priority=0,
                    access_code_sealed=b"sealed",
                    received_at=MONDAY.astimezone(UTC),
                    due_at=MONDAY.astimezone(UTC),
                )
            )
            for moment in [MONDAY, LATER] if was_reopened else []:
                event = {"appeal_id": appeal_id, "kind": "reopened", "created_at": moment.astimezone(UTC)}
                connection.execute(tables.tables["appeal_events"].insert().values(id=as_stored(connection, uuid.uuid4()), **event))
    engine.dispose()
    desk = open_desk(settings)
    try:

        def read(session: Any) -> list[tuple[AppealStatus, datetime]]:
            return [(one.status, one.counted_from) for one in session.scalars(select(Appeal).order_by(Appeal.ordinal))]

        assert desk.database.read(read) == [
            (AppealStatus.REGISTERED, MONDAY),
            (AppealStatus.REOPENED, LATER),
            (AppealStatus.IN_PROGRESS, LATER),
            (AppealStatus.CLOSED, MONDAY),
        ]
    finally:
        desk.close()


def as_stored(connection: Connection, value: uuid.UUID) -> Any:
    """As a reflected table wants an id."""
    return value if connection.dialect.name == "postgresql" else value.hex
