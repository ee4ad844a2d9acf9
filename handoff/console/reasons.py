"""Why an operator does what wants a reason: it goes into the audit log."""

from typing import Annotated

from pydantic import BaseModel, Field

REASON_CHARACTERS = 500


class Reasoned(BaseModel):
    reason: Annotated[str, Field(max_length=REASON_CHARACTERS)]
