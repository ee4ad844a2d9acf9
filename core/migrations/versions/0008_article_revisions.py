"""Articles with revisions, drafts, related articles, and sections by slug."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# The sections that articles were in before they had slugs.
_SLUGS = {
    "Вход и безопасность": "account",
    "Учётная запись": "account",
    "Личные данные": "profile",
    "Заявления и услуги": "applications",
    "Платежи": "payments",
    "Мобильное приложение": "app",
    "Обращения": "appeals",
    "Письма": "letters",
    "Персональные данные": "privacy",
    "Работа сайта": "website",
    "Служба поддержки": "support",
    "Уведомления": "notifications",
    "Если ничего не помогло": "support",
}


def upgrade() -> None:
    with op.batch_alter_table("articles") as articles:
        articles.add_column(sa.Column("related", sa.JSON(), nullable=False, server_default="[]"))
        articles.add_column(sa.Column("published", sa.Boolean(), nullable=False, server_default=sa.true()))
        articles.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "article_revisions",
        sa.Column("slug", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("section", sa.String(length=100), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("related", sa.JSON(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("author", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.ForeignKeyConstraint(["slug"], ["articles.slug"]),
        sa.PrimaryKeyConstraint("slug", "number"),
    )
    connection = op.get_bind()
    table = sa.table("articles", sa.column("slug"), sa.column("section"))
    for name, slug in _SLUGS.items():
        connection.execute(table.update().where(table.c.section == name).values(section=slug))
    first = sa.text(
        "INSERT INTO article_revisions"
        " (slug, number, title, section, aliases, related, text, published, author, reason, created_at, imported) "
        "SELECT slug, 1, title, section, aliases, related, text, published, 'seed', 'Первая редакция', :at, true FROM articles"
    )
    connection.execute(first.bindparams(sa.bindparam("at", datetime.now(UTC), sa.DateTime(timezone=True))))


def downgrade() -> None:
    op.drop_table("article_revisions")
    with op.batch_alter_table("articles") as articles:
        for column in ("revision", "published", "related"):
            articles.drop_column(column)
