"""The operators' calls about letters that did not arrive."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from core import conversations
from core.models import Operator
from handoff.console.access import Access
from handoff.console.workplace import Workplace
from handoff.letters import overview, resending
from handoff.rights import Right

_ADDRESS_CHARACTERS = 320


class Again(BaseModel):
    """``email``: the right address; without it the letter goes where it was to go."""

    email: Annotated[str, Field(max_length=_ADDRESS_CHARACTERS)] | None = None


def undelivered_routes(workplace: Workplace, access: Access) -> APIRouter:
    desk = workplace.desk
    routes = APIRouter(prefix="/api/operator", tags=["operator"])
    Worker = Annotated[Operator, Depends(access.holding(Right.WORK))]  # noqa: N806 - a type

    @routes.post("/conversations/{conversation_id}/letters/{delivery_id}/send", status_code=202)
    async def send(conversation_id: uuid.UUID, delivery_id: uuid.UUID, given: Again, operator: Worker) -> dict[str, Any]:
        """Sends a letter that did not arrive once more; written to the audit log. Problem 404, 409, 422."""

        def work(session: Session) -> list[dict[str, Any]]:
            conversation = conversations.lock(session, conversation_id)
            resending.send_again(session, desk, conversation, delivery_id, operator, given.email)
            return overview.letter_documents(session, conversation)

        return {"deliveries": await desk.database.write_soon(work)}

    return routes
