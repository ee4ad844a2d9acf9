"""Which departments there are: those that appeals go to by the settings, and those that operators are of."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import invalid
from core.models import Operator
from core.settings import Settings


def known(session: Session, settings: Settings) -> list[str]:
    """The slugs, in order."""
    of_operators = session.scalars(select(Operator.department).where(Operator.disabled_at.is_(None)).distinct())
    return sorted({*settings.departments.model_dump().values(), settings.senior_department, *filter(None, of_operators)})


def check(session: Session, settings: Settings, slug: str) -> None:
    """Problem 422, with what there is, for another."""
    slugs = known(session, settings)
    if slug not in slugs:
        raise invalid("department", "department_unknown", known=", ".join(slugs))
