"""The open questions grouped by likeness. What is kept between two looks are numbers: words are read for the moment of grouping."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.desk import Desk
from core.errors import DatabaseDown
from core.models import Conversation, Message, OpenQuestion, QuestionOutcome, now
from handoff.question_words import without_tokens
from knowledge_base import questions
from knowledge_base.clusters import MOST, cluster
from knowledge_base.desk_search import DeskSearch
from knowledge_base.embedder import Embedder
from knowledge_base.index import IndexRefused

log = structlog.get_logger(__name__)

_AT_ONCE = 1_000  # so many are grouped anew while their reader waits; more only between two looks
_PAUSE_SECONDS = 60.0


@dataclass(frozen=True)
class Group:
    """Numbers of questions: the one that stands for all, and all of them, newest first."""

    first: int
    members: tuple[int, ...]


class QuestionGroups:
    """The groups of one gateway process."""

    def __init__(self, desk: Desk, search: DeskSearch) -> None:
        self._desk, self._search = desk, search
        self._grouping = asyncio.Lock()
        self._ids: list[int] | None = None  # what the groups were made of
        self._groups: list[Group] = []

    async def read(self) -> list[Group]:
        """The newest MOST open questions, the largest group first; at the end what is thought to be off topic."""
        ids = await self._open_ids()
        if ids != self._ids and (self._ids is None or len(ids) <= _AT_ONCE):
            await self._group(ids)
        return self._groups if ids == self._ids else self._patched(ids)

    async def keep_fresh_forever(self) -> None:
        """Groups anew what is too much for one look."""
        while True:
            with contextlib.suppress(DatabaseDown):
                ids = await self._open_ids()
                if ids != self._ids and len(ids) > _AT_ONCE:
                    await self._group(ids)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _open_ids(self) -> list[int]:
        return await self._desk.database.read_soon(questions.open_ids, now(), MOST)

    async def _group(self, ids: list[int]) -> None:
        async with self._grouping:
            if ids == self._ids:  # another look has just done it
                return
            found = await self._desk.database.read_soon(_read, self._desk, ids)
            self._groups = await asyncio.to_thread(self._alike, found)
            self._ids = ids

    def _patched(self, ids: list[int]) -> list[Group]:
        """The groups as they were made last, without what was decided on since; what has come since stands alone."""
        still, known = set(ids), set(self._ids or ())
        groups = [Group(number, (number,)) for number in ids if number not in known]
        for group in self._groups:
            members = tuple(number for number in group.members if number in still)
            if members:
                groups.append(Group(group.first if group.first in still else members[0], members))
        return sorted(groups, key=lambda group: -len(group.members))

    def _alike(self, found: list[tuple[int, QuestionOutcome, str]]) -> list[Group]:
        """``found``: number, outcome and words of each question, newest first. By the static embedder: it reads thousands in a second."""
        embedder: Embedder | None = None
        titles: list[str] = []
        try:
            index = self._search.index()
            embedder, titles = index.static, [article.title for article in index.articles]
        except IndexRefused as error:
            log.warning("grouped_without_index", reason=str(error))
        numbers = [number for number, _, _ in found]
        made = cluster([text for _, _, text in found], embedder, titles)
        on_topic = {number for number, outcome, _ in found if outcome != QuestionOutcome.OFF_TOPIC}
        groups = [Group(numbers[one.medoid], tuple(numbers[place] for place in one.members)) for one in made]
        return sorted(groups, key=lambda group: on_topic.isdisjoint(group.members))


def _read(session: Session, desk: Desk, ids: list[int]) -> list[tuple[int, QuestionOutcome, str]]:
    rows = session.execute(with_message(OpenQuestion.id, OpenQuestion.outcome).where(OpenQuestion.id.in_(ids)))
    found = {row.id: (row.id, row.outcome, without_tokens(open_text(desk, row))) for row in rows}
    return [found[number] for number in ids if number in found]


def with_message(*columns: Any) -> Any:
    """A query for ``columns`` of questions with what ``open_text`` wants: rows instead of objects, of which there may be thousands."""
    return (
        select(*columns, Conversation.id.label("conversation_id"), Conversation.data_key, Message.text_sealed)
        .join(Message, (Message.conversation_id == OpenQuestion.conversation_id) & (Message.seq == OpenQuestion.seq))
        .join(Conversation, Conversation.id == OpenQuestion.conversation_id)
    )


def open_text(desk: Desk, row: Any) -> str:
    """A question's words, with tokens."""
    return desk.vault.open(Conversation(id=row.conversation_id, data_key=row.data_key), row.text_sealed)
