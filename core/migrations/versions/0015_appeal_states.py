"""More states of an appeal, and the waits in which its clock stands still."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_NEW = ("answered_at", "reopened_at", "overdue_told")


def upgrade() -> None:
    for name in _NEW:
        op.add_column("appeals", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "appeal_waits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appeal_id", sa.Uuid(), nullable=False),
        sa.Column("returns_to", sa.String(length=20), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_appeal_waits_appeal", "appeal_waits", ["appeal_id"])
    is_open = sa.text("ended_at is null")
    op.create_index("uq_appeal_waits_open", "appeal_waits", ["appeal_id"], unique=True, sqlite_where=is_open, postgresql_where=is_open)
    # What was opened again counts from then; until somebody took it, it stood as registered.
    op.execute(
        "UPDATE appeals SET reopened_at = (SELECT max(created_at) FROM appeal_events "
        "WHERE appeal_events.appeal_id = appeals.id AND appeal_events.kind = 'reopened')"
    )
    op.execute("UPDATE appeals SET status = 'reopened' WHERE status = 'registered' AND reopened_at IS NOT NULL")


def downgrade() -> None:
    op.execute("UPDATE appeals SET status = 'registered' WHERE status = 'reopened'")
    op.execute("UPDATE appeals SET status = 'in_progress' WHERE status = 'waiting'")
    op.execute("UPDATE appeals SET status = 'closed', closed_at = answered_at WHERE status = 'answered'")
    op.drop_table("appeal_waits")
    with op.batch_alter_table("appeals") as appeals:
        for name in _NEW:
            appeals.drop_column(name)
