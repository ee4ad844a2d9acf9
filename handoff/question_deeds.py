"""What an editor does with a group of questions: one transaction's worth each, done once however often a button is pressed.

``first`` is the question whose words the editor saw, ``others`` the rest of its group: those still open get the same state.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk
from core.models import Article, ArticleRevision, Operator, QuestionState
from core.words import say
from handoff.question_words import fault
from knowledge_base import editing, questions
from knowledge_base.content import RESERVED_SLUGS, Content, Fault
from knowledge_base.editing import ContentRefused
from knowledge_base.slugs import slug_of

_NAMELESS = "vopros"


def make_alias(
    session: Session, desk: Desk, editor: Operator, first: int, others: Collection[int], slug: str, words: str, at: datetime
) -> Article:
    """Makes ``words`` an alias of an article, which has it at once. Problem 404, 409, ContentRefused."""
    article = editing.find(session, slug)
    done = questions.is_decided_so(session, first, QuestionState.ALIAS, editor.login)
    if done is not None and done.slug == slug:
        return article
    _check(desk, words)
    count = questions.decide(session, first, others, QuestionState.ALIAS, slug, editor.login, at)
    written = editing.add_alias(session, desk.settings, slug, words, editor.login, say("question_reason"))
    _record(session, desk, editor, audit.ARTICLE_CHANGED, written)
    audit.append(session, desk.vault, editor, audit.QUESTION_ALIAS, _subject(count, slug))
    return article


def begin_draft(
    session: Session, desk: Desk, editor: Operator, first: int, others: Collection[int], section: str, words: str, at: datetime
) -> str:
    """Begins an article called ``words``, which citizens do not see yet. Its slug. Problem 404, 409, ContentRefused."""
    done = questions.is_decided_so(session, first, QuestionState.DRAFT, editor.login)
    if done is not None and done.slug:
        return done.slug
    _check(desk, words)
    slug = _free_slug(session, words)
    count = questions.decide(session, first, others, QuestionState.DRAFT, slug, editor.login, at)
    title = words[:1].upper() + words[1:]
    content = Content(title, section, say("question_draft_text"), published=False)
    written = editing.create(session, desk.settings, slug, content, editor.login, say("question_reason"))
    _record(session, desk, editor, audit.ARTICLE_CREATED, written)
    audit.append(session, desk.vault, editor, audit.QUESTION_DRAFT, _subject(count, slug))
    return slug


def dismiss(session: Session, desk: Desk, editor: Operator, first: int, others: Collection[int], at: datetime) -> int:
    """Takes them from the list for good. How many that were; Problem 404, 409."""
    done = questions.is_decided_so(session, first, QuestionState.DISMISSED, editor.login)
    if done is not None:
        return sum(one.decided_at == done.decided_at for one in questions.find_all(session, {first, *others}).values())
    count = questions.decide(session, first, others, QuestionState.DISMISSED, None, editor.login, at)
    audit.append(session, desk.vault, editor, audit.QUESTION_DISMISSED, _subject(count))
    return count


def _check(desk: Desk, words: str) -> None:
    wrong = fault(words, desk.settings)
    if wrong:
        raise ContentRefused([Fault("words", wrong)])


def _free_slug(session: Session, words: str) -> str:
    wanted = slug_of(words) or _NAMELESS
    taken = {*RESERVED_SLUGS, *session.scalars(select(Article.slug).where(Article.slug.startswith(wanted, autoescape=True)))}
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (wanted, *numbered) if slug not in taken)


def _record(session: Session, desk: Desk, editor: Operator, action: str, written: ArticleRevision | None) -> None:
    if written is not None:
        audit.append(session, desk.vault, editor, action, audit.article_subject(written))


def _subject(count: int, slug: str = "") -> str:
    """How many questions, and the article that they went into."""
    return f"{count} {slug}".strip()[: audit.SUBJECT_CHARACTERS]
