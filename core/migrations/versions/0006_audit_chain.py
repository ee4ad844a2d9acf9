"""The audit log as a chain: a sequence without gaps, hashes, a head of its own, and triggers that forbid to change what is written.

Rows from before keep their order and get no hash: the first row written after them binds them (core/audit.py).
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_REFUSAL = "the audit log is append-only"
# Rows up to the floor have served their time: forgetting moves the floor first (core/audit.py).
_KEPT = "OLD.seq >= (SELECT first_seq FROM audit_head)"
_SQLITE = (
    f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN {_KEPT} BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    f"CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
    "CREATE TRIGGER audit_head_no_return BEFORE UPDATE ON audit_head WHEN NEW.last_seq < OLD.last_seq OR NEW.first_seq < OLD.first_seq "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END",
)
_POSTGRES = (
    "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
    "CREATE FUNCTION audit_refuse_kept() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN IF {_KEPT} THEN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$",
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse_kept()",
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_head_no_truncate BEFORE TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_head_no_return BEFORE UPDATE ON audit_head FOR EACH ROW "
    "WHEN (NEW.last_seq < OLD.last_seq OR NEW.first_seq < OLD.first_seq) EXECUTE FUNCTION audit_refuse()",
)


def upgrade() -> None:
    op.rename_table("audit", "audit_before")
    op.drop_index("ix_audit_conversation", "audit_before")
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"]),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_audit_conversation", "audit", ["conversation_id"])
    op.execute(
        "INSERT INTO audit (seq, actor, operator_id, conversation_id, action, subject, reason_sealed, created_at) "
        "SELECT row_number() OVER (ORDER BY earlier.created_at, earlier.id), operators.login, earlier.operator_id, "
        "earlier.conversation_id, earlier.action, earlier.subject, earlier.reason_sealed, earlier.created_at "
        "FROM audit_before AS earlier JOIN operators ON operators.id = earlier.operator_id"
    )
    op.drop_table("audit_before")
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_seq", sa.Integer(), nullable=False),
        sa.Column("before_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.Column("seal", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    empty = "X''" if op.get_bind().dialect.name == "sqlite" else "''::bytea"
    op.execute(f"INSERT INTO audit_head (id, first_seq, before_hash, last_seq) SELECT 1, 1, {empty}, count(*) FROM audit")  # noqa: S608
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRES:
        op.execute(statement)


def downgrade() -> None:
    """Keeps what the old table could hold: what operators did to conversations."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_refuse CASCADE")
        op.execute("DROP FUNCTION audit_refuse_kept CASCADE")
    op.drop_table("audit_head")
    op.drop_index("ix_audit_conversation", "audit")
    op.rename_table("audit", "audit_chained")
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_audit_conversation", "audit", ["conversation_id"])
    new_id = "lower(hex(randomblob(16)))" if op.get_bind().dialect.name == "sqlite" else "gen_random_uuid()"
    op.execute(
        "INSERT INTO audit (id, operator_id, conversation_id, action, subject, reason_sealed, created_at) "  # noqa: S608
        f"SELECT {new_id}, operator_id, conversation_id, action, subject, reason_sealed, created_at FROM audit_chained "
        "WHERE operator_id IS NOT NULL AND conversation_id IS NOT NULL AND reason_sealed IS NOT NULL"
    )
    op.drop_table("audit_chained")
