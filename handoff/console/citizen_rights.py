"""What an operator does at a citizen's request outside of the chat: erasing their data, having them sent to the citizen."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from core import conversations
from core.errors import conflict
from core.models import Mode, Operator, now
from handoff import erasure, export
from handoff.console.access import Access
from handoff.console.reasons import Reasoned
from handoff.console.workplace import Workplace
from handoff.rights import Right


def citizen_rights_routes(workplace: Workplace, access: Access) -> APIRouter:
    desk = workplace.desk
    routes = APIRouter(prefix="/api/operator", tags=["operator"])
    Eraser = Annotated[Operator, Depends(access.holding(Right.ERASE))]  # noqa: N806 - types
    Exporter = Annotated[Operator, Depends(access.holding(Right.EXPORT))]  # noqa: N806

    @routes.post("/conversations/{conversation_id}/erase")
    async def erase(conversation_id: uuid.UUID, given: Reasoned, operator: Eraser) -> dict[str, Any]:
        """Destroys the conversation's data and closes its open appeals as withdrawn; written to the audit log. Done before: the same."""
        reason = workplace.check_words(given.reason, "reason", "reason_missing")

        def destroy(session: Session) -> None:
            conversation = conversations.lock(session, conversation_id)
            erasure.erase(session, desk, conversation, erasure.OPERATOR, now(), operator=operator, reason=reason)

        await desk.database.write_soon(destroy)
        return {"mode": Mode.CLOSED}

    @routes.post("/conversations/{conversation_id}/export", status_code=202)
    async def send_export(conversation_id: uuid.UUID, operator: Exporter) -> dict[str, Any]:
        """Has the citizen's data sent to them in the conversation; the operator does not see the file. Problem 409 after erasure."""

        def ask(session: Session) -> str:
            conversation = conversations.lock(session, conversation_id)
            if conversation.data_key is None:
                raise conflict("conversation_not_open")
            return export.ask(session, desk, conversation, operator=operator).state

        return {"state": await desk.database.write_soon(ask)}

    return routes
