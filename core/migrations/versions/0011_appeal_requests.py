"""What is asked about an appeal, and the appeal that another one repeats."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "appeal_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("ground", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("detail_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("check_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"]),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_appeal_requests_appeal", "appeal_requests", ["appeal_id"])
    op.create_index("ix_appeal_requests_conversation", "appeal_requests", ["conversation_id"])
    undecided = sa.text("state = 'requested'")
    op.create_index(
        "uq_appeal_requests_undecided",
        "appeal_requests",
        ["appeal_id", "kind"],
        unique=True,
        sqlite_where=undecided,
        postgresql_where=undecided,
    )
    # In words of its own: on SQLite Alembic would make the table anew, which those that refer to it do not allow.
    uuid_type = sa.Uuid().compile(dialect=op.get_bind().dialect)
    op.execute(f"ALTER TABLE appeals ADD COLUMN parent_id {uuid_type} REFERENCES appeals (id)")
    op.add_column("appeals", sa.Column("urgent_confirmed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("appeals") as appeals:
        appeals.drop_column("urgent_confirmed_at")
        appeals.drop_column("parent_id")
    op.drop_table("appeal_requests")
