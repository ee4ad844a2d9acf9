"""What a citizen's picture says."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("attachments") as attachments:
        attachments.add_column(sa.Column("reading", sa.String(length=20), nullable=True))
        attachments.add_column(sa.Column("text_sealed", sa.LargeBinary(), nullable=True))
    to_read = sa.text("reading = 'asked'")
    op.create_index("ix_attachments_to_read", "attachments", ["id"], sqlite_where=to_read, postgresql_where=to_read)


def downgrade() -> None:
    op.drop_index("ix_attachments_to_read", "attachments")
    with op.batch_alter_table("attachments") as attachments:
        attachments.drop_column("text_sealed")
        attachments.drop_column("reading")
