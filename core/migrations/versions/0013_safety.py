"""Letters in quarantine, files to scan again."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("incoming_letters") as letters:
        letters.add_column(sa.Column("spam_score", sa.Float(), nullable=True))
        letters.add_column(sa.Column("not_checked", sa.Boolean(), nullable=False, server_default=sa.false()))
        letters.add_column(sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
    is_aside = sa.text("state IN ('quarantined', 'parked')")
    op.create_index("ix_incoming_letters_aside", "incoming_letters", ["received_at"], sqlite_where=is_aside, postgresql_where=is_aside)
    is_unscanned = sa.text("scan = 'unscanned'")
    op.create_index("ix_attachments_unscanned", "attachments", ["id"], sqlite_where=is_unscanned, postgresql_where=is_unscanned)


def downgrade() -> None:
    op.drop_index("ix_attachments_unscanned", "attachments")
    op.drop_index("ix_incoming_letters_aside", "incoming_letters")
    with op.batch_alter_table("incoming_letters") as letters:
        letters.drop_column("released_at")
        letters.drop_column("not_checked")
        letters.drop_column("spam_score")
