"""Telegram: where messages are pushed, the updates received, the order of deliveries, and what one gateway does at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OPEN_DELIVERY = "state in ('queued', 'sending')"
_OPEN_UPDATE = "processed_at is null"


def upgrade() -> None:
    with op.batch_alter_table("conversations") as conversations:
        conversations.add_column(sa.Column("push_token", sa.String(length=40), nullable=True))
        conversations.add_column(sa.Column("address_hash", sa.LargeBinary(), nullable=True))
    op.create_index("uq_conversations_address", "conversations", ["address_hash"], unique=True)
    with op.batch_alter_table("deliveries") as deliveries:
        # What was written before this goes in any order, as it did.
        deliveries.add_column(sa.Column("ordinal", sa.Integer(), nullable=False, server_default="0"))
        deliveries.add_column(sa.Column("parts_sent", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_deliveries_order",
        "deliveries",
        ["conversation_id", "channel", "ordinal"],
        sqlite_where=sa.text(_OPEN_DELIVERY),
        postgresql_where=sa.text(_OPEN_DELIVERY),
    )
    op.create_table(
        "telegram_updates",
        sa.Column("update_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("album_hash", sa.LargeBinary(), nullable=True),
        sa.Column("payload_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.PrimaryKeyConstraint("update_id"),
    )
    op.create_index(
        "ix_telegram_updates_open",
        "telegram_updates",
        ["conversation_id", "update_id"],
        sqlite_where=sa.text(_OPEN_UPDATE),
        postgresql_where=sa.text(_OPEN_UPDATE),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.drop_table("leases")
    op.drop_table("telegram_updates")
    op.drop_index("ix_deliveries_order", "deliveries")
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.drop_column("parts_sent")
        deliveries.drop_column("ordinal")
    op.drop_index("uq_conversations_address", "conversations")
    with op.batch_alter_table("conversations") as conversations:
        conversations.drop_column("address_hash")
        conversations.drop_column("push_token")
