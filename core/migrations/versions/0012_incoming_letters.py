"""Letters coming in."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "incoming_letters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("raw_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("data_key", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("named_appeal_id", sa.Uuid(), nullable=True),
        sa.Column("sender_hash", sa.LargeBinary(), nullable=True),
        sa.Column("message_id_hash", sa.LargeBinary(), nullable=True),
        sa.Column("message_id_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("findings_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=200), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.ForeignKeyConstraint(["named_appeal_id"], ["appeals.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("content_hash"),
    )
    is_new = sa.text("state = 'new'")
    op.create_index("ix_incoming_letters_new", "incoming_letters", ["received_at"], sqlite_where=is_new, postgresql_where=is_new)
    op.create_index("ix_incoming_letters_conversation", "incoming_letters", ["conversation_id"])
    op.create_index("ix_incoming_letters_sender", "incoming_letters", ["sender_hash", "received_at"])
    op.create_index("ix_incoming_letters_message_id", "incoming_letters", ["message_id_hash"])


def downgrade() -> None:
    op.drop_table("incoming_letters")
