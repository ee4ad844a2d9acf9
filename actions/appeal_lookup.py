"""What forms find out about appeals, from a worker thread: the conversation's own ones, and whether one that is named is its citizen's."""

import asyncio
import json
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.records import records
from core import conversations
from core.database import Database
from core.errors import Problem
from core.limits import Counters
from core.models import FINISHED, Appeal
from core.personal_data import Vault
from core.settings import Settings, settings
from handoff import appeals, erasure
from handoff.fields import FieldFault
from handoff.ownership import find_own
from handoff.status_checks import StatusChecks

T = TypeVar("T")
_TOLD_ONCE = ("full_name", "snils", "reply_channel", "email", "phone")


class AppealLookup:
    """Guesses at a proof are counted: here for this process, or in Redis with the status page."""

    def __init__(self, database: Database, vault: Vault, known: Settings) -> None:
        self._database = database
        self._vault = vault
        self._checks = StatusChecks(Counters(vault, known), known)

    def own(self, conversation_id: str, *, only_open: bool = False) -> list[str]:
        """The numbers of the conversation's appeals, newest first."""
        found = self._database.read(appeals.numbers_of_conversation, uuid.UUID(conversation_id))
        return [number for number, status in found if not (only_open and status in FINISHED)]

    def is_shown(self, conversation_id: str, number: str, proof: str) -> bool:
        """Whether ``proof`` (code or SNILS as it was written) shows that the appeal is the citizen's. FieldFault in words that are the same
        whatever is wrong, or that say how long to wait.
        """
        known = uuid.UUID(conversation_id)

        async def look() -> bool | None:
            return await self._database.read_soon(lambda session: find_own(session, self._vault, known, number, proof) is not None) or None

        try:
            return asyncio.run(self._checks.run(conversation_id, number, look))
        except Problem as problem:
            key = "appeal_not_shown" if problem.status == 404 else problem.key
            raise FieldFault("access_code", key, problem.values) from None

    def look(self, conversation_id: str, number: str, token: str | None, work: Callable[[Session, Appeal], T]) -> T | None:
        """``work`` on an appeal that was shown to be the citizen's before, with what ``token`` stands for; None if it is so no longer."""

        def read(session: Session) -> T | None:
            conversation = conversations.find(session, uuid.UUID(conversation_id))
            told = self._vault.values(session, conversation, [token]).get(token, "") if token else ""
            appeal = find_own(session, self._vault, conversation.id, number, told)
            return work(session, appeal) if appeal else None

        return self._database.read(read)

    def told_before(self, conversation_id: str, number: str) -> dict[str, Any]:
        """Slots of the appeal form as the conversation's own appeal of that number has them; none without a consent that stands."""

        def read(session: Session) -> dict[str, Any]:
            conversation = conversations.find(session, uuid.UUID(conversation_id))
            own = select(Appeal.fields_sealed).where(Appeal.number == number, Appeal.conversation_id == conversation.id)
            sealed = session.scalar(own)
            if sealed is None or not erasure.has_consent(session, conversation.id):
                return {}
            fields: dict[str, Any] = json.loads(self._vault.open(conversation, sealed))
            known = {name: fields[name] for name in _TOLD_ONCE if name in fields}
            return {"consent": True, **known} if known else {}

        return self._database.read(read)


@lru_cache(maxsize=1)
def lookup() -> AppealLookup:
    """Over the desk that the settings name."""
    return AppealLookup(records().database, records().vault, settings())
