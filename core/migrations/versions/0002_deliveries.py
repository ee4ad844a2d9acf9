"""What leaves by letter, and whether a citizen is in the chat."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("conversations") as conversations:
        conversations.add_column(sa.Column("citizen_here_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("address_token", sa.String(length=40), nullable=False),
        sa.Column("message_id", sa.String(length=320), nullable=False),
        sa.Column("in_reply_to", sa.String(length=320), nullable=True),
        sa.Column(
            "state", sa.Enum("queued", "sending", "sent", "failed", name="deliverystate", native_enum=False, length=20), nullable=False
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(length=40), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("conversation_id", "kind", "subject_id"),
        sa.UniqueConstraint("message_id"),
    )
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["due_at"],
        sqlite_where=sa.text("state in ('queued', 'sending')"),
        postgresql_where=sa.text("state in ('queued', 'sending')"),
    )


def downgrade() -> None:
    op.drop_table("deliveries")
    with op.batch_alter_table("conversations") as conversations:
        conversations.drop_column("citizen_here_until")
