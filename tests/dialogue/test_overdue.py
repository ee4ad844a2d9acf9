"""What the bot offers to whom no answer came in time (S17, S18)."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.desk import open_desk
from core.models import Appeal, now
from handoff import deadlines, letters
from tests.conftest import MakeSettings
from tests.dialogue.appeal_form import expects
from tests.dialogue.test_known_appeals import kinds, pass_deadline, register, titles
from tests.stack import Citizen, wait_for


@pytest.mark.parametrize(("title", "asked"), [("Передать выше", "problem"), ("Подать повторное обращение", "tried")])
def test_the_apology_leads_on(citizen: Citizen, make_settings: MakeSettings, title: str, asked: str) -> None:
    number = register(citizen)["number"]
    pass_deadline(citizen, number)
    before = citizen.messages()[-1]["seq"]
    desk = open_desk(make_settings(data_dir=citizen.stack.data_dir))  # beside the running one, as the command line is
    try:

        def notify(session: Session) -> str | None:
            appeal_id = session.scalars(select(Appeal.id).where(Appeal.number == number)).one()
            return deadlines.notify(session, desk, appeal_id, now())

        assert desk.database.write(notify) == letters.OVERDUE
    finally:
        desk.close()

    def look() -> list[dict[str, Any]]:
        return citizen.messages(after=before)

    told = wait_for("the apology", look)
    assert kinds(told) == ["notice"]
    assert "Извините" in told[0]["text"]
    assert titles(told) == ["Подать повторное обращение", "Передать выше"]
    assert expects(citizen.press(title)) == asked
