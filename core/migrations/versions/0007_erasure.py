"""Erasure with what it leaves to do, withdrawn consents, exports of a person's data."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ERASURE_INDEXES = [
    ("ix_erasures_open", "next_look_at", "finished_at is null"),
    ("ix_erasures_addresses", "erased_at", "addresses_sealed is not null"),
]


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.Column("data_key", sa.LargeBinary(), nullable=True),
        sa.Column("addresses_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("episodes", sa.Integer(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_look_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"]),
        sa.PrimaryKeyConstraint("conversation_id"),
    )
    for name, column, condition in _ERASURE_INDEXES:
        op.create_index(name, "erasures", [column], sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("blob_id", sa.Uuid(), nullable=True),
        sa.Column("last_seq", sa.Integer(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("in_reply_to", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_exports_conversation", "exports", ["conversation_id"])
    with op.batch_alter_table("consents") as consents:
        consents.add_column(sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
        consents.create_index("ix_consents_conversation", ["conversation_id"])
    with op.batch_alter_table("attachments") as attachments:
        attachments.add_column(sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("attachments") as attachments:
        attachments.drop_column("erased_at")
    with op.batch_alter_table("consents") as consents:
        consents.drop_index("ix_consents_conversation")
        consents.drop_column("withdrawn_at")
    op.drop_index("ix_exports_conversation", "exports")
    op.drop_table("exports")
    op.drop_table("erasures")
