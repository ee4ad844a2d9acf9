"""The blind index, by which an earlier appeal is found without decrypting, and the key it is made with."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vault_index",
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("hmac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.PrimaryKeyConstraint("conversation_id", "kind", "hmac"),
    )
    op.create_index("ix_vault_index_hmac", "vault_index", ["hmac"])
    op.create_table(
        "wrapped_keys",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.drop_table("wrapped_keys")
    op.drop_index("ix_vault_index_hmac", "vault_index")
    op.drop_table("vault_index")
