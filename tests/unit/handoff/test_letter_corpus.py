"""Letters as real programs write them, read: tests/data/letters."""

from datetime import timedelta

import pytest

from core.settings import Settings
from handoff.mailbox.automatic import Automatic
from handoff.mailbox.letter import read_letter
from handoff.mailbox.rules import Known, Route, judge
from handoff.mailbox.sender_fields import missing_fields, sender_fields
from handoff.mailbox.subject import read_subject
from tests.data.letters import EXPECTED, FOLDER, PEOPLE, raw
from tests.scenes import MONDAY


def test_each_letter_has_an_expected_outcome() -> None:
    assert {file.stem for file in FOLDER.glob("*.eml")} == set(EXPECTED)
    assert len(EXPECTED) >= 60


@pytest.mark.parametrize("name", EXPECTED)
def test_a_letter_is_read_as_its_writer_meant_it(name: str, shipped: Settings) -> None:
    expected = EXPECTED[name]
    letter = read_letter(raw(name), shipped)
    own = letter.parts.own
    assert letter.sender == expected["sender"]
    assert letter.subject == expected.get("subject", letter.subject)
    assert letter.sender_name == expected.get("name", letter.sender_name)
    assert own.startswith(expected.get("own", ""))
    assert own.endswith(expected.get("own_ends", ""))
    assert own == expected.get("own_whole", own)
    assert expected.get("not_own", "\0") not in own
    if "files" in expected:
        assert [file.name for file in letter.files] == expected["files"]
    if "fields" in expected:
        fields = sender_fields(letter, shipped)
        assert {field: fields.get(field) for field in PEOPLE[expected["fields"]]} == PEOPLE[expected["fields"]]
        assert missing_fields(fields) == []
    if "missing" in expected:
        assert missing_fields(sender_fields(letter, shipped)) == expected["missing"]


@pytest.mark.parametrize("name", [name for name, expected in EXPECTED.items() if expected["sender"]])
def test_a_letter_goes_where_the_rules_say(name: str, shipped: Settings) -> None:
    expected = EXPECTED[name]
    letter = read_letter(raw(name), shipped)
    automatic = expected["outcome"] if expected["outcome"] in set(Automatic) else None
    assert letter.automatic == automatic
    if automatic is None:
        known = Known(finished_at=None) if expected["outcome"] == Route.JOIN else None
        verdict = judge(read_subject(letter.subject, shipped), known, MONDAY, shipped, is_readable=not letter.is_overbuilt)
        assert (verdict.route, verdict.faults) == (expected["outcome"], expected.get("faults", []))


@pytest.mark.parametrize(
    ("subject", "days", "route"),
    [("ОБ", 0, Route.REOPEN), ("ОБ", 30, Route.REOPEN), ("ОБ", 31, Route.REPEAT), ("Повторное", 1, Route.REPEAT)],
)
def test_a_closed_appeal_is_reopened_for_a_while(subject: str, days: int, route: Route, shipped: Settings) -> None:
    known = Known(finished_at=MONDAY - timedelta(days=days))
    assert judge(read_subject(subject, shipped), known, MONDAY, shipped).route == route
