"""What a message means to the field that the form has asked for."""

from dataclasses import replace
from typing import Any

import pytest

from actions.appeal_form import FIELDS, ValidateAppealForm
from actions.heard import Heard, SomethingElse
from core.settings import Settings
from handoff.fields import FieldFault
from tests.data.personas import ANNA, PYOTR

FORM = ValidateAppealForm()
VALUES = {
    "pdname1": ANNA.full_name,
    "pdsnils1": ANNA.snils,
    "pdsnils2": "112-233-445 96",
    "pdemail1": ANNA.email,
    "pdphone1": PYOTR.phone,
}


def heard(text: str, intent: str = "inform", confidence: float = 0.3, **more: Any) -> Heard:
    return Heard(text=text, intent=intent, confidence=1.0 if text.startswith("/") else confidence, values=VALUES, **more)


@pytest.mark.parametrize(
    ("asked", "message", "found"),
    [
        ("consent", heard("да, согласна", "affirm"), {"consent": True}),
        ("consent", heard("/affirm", "affirm"), {"consent": True}),
        ("consent", heard("не согласен", "deny"), {"consent": False}),
        ("full_name", heard("меня зовут pdname1", "greet", 0.9), {"full_name": "pdname1"}),
        ("snils", heard("снилс pdsnils1", "ask_question", 0.9), {"snils": "pdsnils1"}),
        ("snils", heard("pdsnils1, а зачем он вам?", "ask_question", 0.9), {"snils": "pdsnils1"}),
        ("reply_channel", heard('/inform{"value": "phone"}', entities={"value": "phone"}), {"reply_channel": "phone"}),
        ("reply_channel", heard("пишите на pdemail1"), {"reply_channel": "email", "email": "pdemail1"}),
        ("phone", heard("мой номер pdphone1"), {"phone": "pdphone1"}),
        ("problem", heard("оператор связи не присылает код, войти никак не могу", "request_operator", 0.9), None),
        ("tried", heard("перезагружала", "start_over", 0.9), None),
        ("tried", heard("звонила оператору", "request_operator", 0.9), None),
        ("tried", heard("ничего"), {"tried": ""}),
        ("tried", heard("/deny", "deny"), {"tried": ""}),
        ("category", heard('/inform{"value": "urgent"}', entities={"value": "urgent"}), {"category": "urgent"}),
        ("category", heard("хочу пожаловаться", "file_complaint", 0.9), {"category": "complaint"}),
        ("birth_date", heard("не скажу", "deny", 0.9), {"birth_date": ""}),
        ("occurred_at", heard("не помню", "inform"), {"occurred_at": ""}),
        ("problem", heard("Пропустите меня, пожалуйста, портал выдаёт ошибку 500"), None),
        ("application_number", heard("/deny", "deny"), {"application_number": ""}),
        ("application_number", heard("нет номера", "deny", 0.9), {"application_number": ""}),
        ("application_number", heard("1234567890123"), {"application_number": "1234567890123"}),
        ("screenshots", heard("/inform", files=["a", "b"]), {"files": ["old", "a", "b"]}),
        ("screenshots", heard("вот", files=["a"]), {"files": ["old", "a"]}),
        ("screenshots", heard("готово"), {"screenshots": True}),
        ("snils", heard("/inform", files=["a"]), {"files": ["old", "a"]}),
        ("confirmation", heard("всё верно", "affirm"), {"confirmation": True}),
        ("confirmation", heard("нет, есть ошибка", "deny"), {"field_to_correct": True}),
        ("confirmation", heard("нет, ошибка в имени", "deny"), {"full_name": None, "field_to_correct": None}),
        ("confirmation", heard("нет, снилс pdsnils1", "deny"), {"snils": "pdsnils1", "field_to_correct": None, "confirmation": None}),
        ("field_to_correct", heard("телефон"), {"reply_channel": None, "email": None, "phone": None, "field_to_correct": None}),
        ("field_to_correct", heard("номер снилс"), {"snils": None, "field_to_correct": None}),
        ("field_to_correct", heard("номер телефона"), {"reply_channel": None, "email": None, "phone": None, "field_to_correct": None}),
        ("field_to_correct", heard("ничего, всё верно"), {"field_to_correct": None}),
        ("field_to_correct", heard('/inform{"value": "nothing"}', entities={"value": "nothing"}), {"field_to_correct": None}),
        ("email", heard("pdphone1"), {"reply_channel": "phone", "phone": "pdphone1"}),
        ("email", heard("почты нет", "deny", 0.9), {"reply_channel": "phone"}),
        ("email", heard("лучше по телефону"), {"reply_channel": "phone"}),
        ("phone", heard("нет телефона", "deny", 0.9), {"reply_channel": "email"}),
        ("reply_channel", heard("почты нет, звоните"), {"reply_channel": "phone"}),
        ("reply_channel", heard("номер pdphone1"), {"reply_channel": "phone", "phone": "pdphone1"}),
        ("application_number", heard("не помню точно 1234567890123"), {"application_number": "1234567890123"}),
        ("application_number", heard("у меня нет номера"), {"application_number": ""}),
        ("screenshots", heard("нет, спасибо", "thank", 0.9), {"screenshots": True}),
        ("screenshots", heard("скриншотов нет"), {"screenshots": True}),
        ("screenshots", heard("не надо"), {"screenshots": True}),
        ("screenshots", heard("что с этим делать?", "ask_question", 0.9, files=["a"]), {"files": ["old", "a"]}),
        (
            "problem",
            heard("Подал заявление, звоните pdphone1, ответа нет"),
            {"problem": "Подал заявление, звоните pdphone1, ответа нет", "phone": "pdphone1", "reply_channel": "phone"},
        ),
    ],
)
def test_answers(shipped: Settings, asked: str, message: Heard, found: dict[str, Any] | None) -> None:
    assert FORM.read(asked, message, {"files": ["old"]}, shipped) == (found or {asked: message.text})


@pytest.mark.parametrize(
    ("asked", "text", "key"),
    [
        ("consent", "ну не знаю", "consent_unclear"),
        ("full_name", "прпр", "full_name_missing"),
        ("snils", "pdsnils2", "snils_checksum"),
        ("snils", "pdsnils1 pdsnils2", None),
        ("email", "pdsnils2", "email_missing"),
        ("phone", "pdsnils2", "phone_long"),
        ("application_number", "моё заявление, снилс pdsnils1", "application_number_personal"),
        ("application_number", "pdphone1", "application_number_length"),
        ("problem", "не знаю что", "problem_short"),
        ("problem", "pdsnils2", "problem_missing"),
        ("application_number", "12", "application_number_length"),
        ("problem", "не работает", "problem_short"),
        ("screenshots", "сейчас поищу", "screenshots_missing"),
        ("field_to_correct", "ну вот", "field_to_correct_unknown"),
    ],
)
def test_faults(shipped: Settings, asked: str, text: str, key: str | None) -> None:
    if key is None:  # of several numbers the one that can be right is taken
        assert FORM.read(asked, heard(text), {}, shipped) == {asked: "pdsnils1"}
        return
    with pytest.raises(FieldFault) as fault:
        FORM.read(asked, heard(text), {}, shipped)
    assert fault.value.key == key
    assert fault.value.words


@pytest.mark.parametrize("asked", FIELDS)
@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("позовите оператора", "request_operator"),
        ("отмена", "cancel"),
        ("начать заново", "start_over"),
        ("зачем вам мой снилс?", "ask_question"),
        ("/request_operator", "request_operator"),
        ('/ask_question{"article": "deadlines"}', "ask_question"),
    ],
)
def test_commands_and_questions_lead_away_from_every_field(shipped: Settings, asked: str, text: str, intent: str) -> None:
    with pytest.raises(SomethingElse):
        FORM.read(asked, heard(text, intent, 0.9), {}, shipped)


@pytest.mark.parametrize("asked", [field for field in FIELDS if field not in ("consent", "confirmation")])
@pytest.mark.parametrize("text", ["спасибо", "добрый день"])
def test_small_talk_fills_no_field(shipped: Settings, asked: str, text: str) -> None:
    with pytest.raises((SomethingElse, FieldFault)):
        FORM.read(asked, heard(text, "thank", 0.9), {}, shipped)


def test_personal_data_that_is_not_behind_a_token_fills_no_slot(shipped: Settings) -> None:
    for asked, text in [("full_name", ANNA.full_name), ("snils", ANNA.snils), ("email", ANNA.email), ("phone", ANNA.phone)]:
        with pytest.raises((SomethingElse, FieldFault)):
            FORM.read(asked, Heard(text=text, intent="inform", confidence=0.3), {}, shipped)


NOBODY: dict[str, Any] = dict.fromkeys(ValidateAppealForm.slots)


@pytest.mark.parametrize(
    ("text", "intent", "found"),
    [
        ("хочу подать обращение", "file_appeal", {}),
        ("/file_appeal", "file_appeal", {}),
        ("хочу подать жалобу", "file_complaint", {"category": "complaint"}),
        ("хочу пожаловаться на сотрудника", "file_complaint", {"category": "complaint"}),
        ("мой кабинет взломали, хочу подать обращение", "file_appeal", {"category": "urgent"}),
        ("Оформите заявку, я pdname1, снилс pdsnils1", "file_appeal", {"full_name": "pdname1", "snils": "pdsnils1"}),
        ("Хочу подать обращение, почта pdemail1", "file_appeal", {"email": "pdemail1", "reply_channel": "email"}),
        (
            "Обращение от pdname1, пишите на pdemail1 или звоните pdphone1",
            "file_appeal",
            {"full_name": "pdname1", "email": "pdemail1", "phone": "pdphone1"},
        ),
        ("Жалоба на инспектора pdname1", "file_complaint", {"category": "complaint"}),
        ("Обращение за сына, его снилс pdsnils1", "file_appeal", {}),
        ("Заявка по заявлению 1234567890123", "file_appeal", {"application_number": "1234567890123"}),
    ],
)
def test_what_the_first_message_tells(shipped: Settings, text: str, intent: str, found: dict[str, Any]) -> None:
    assert FORM.begin(heard(text, intent, 0.9), NOBODY, shipped) == found


def test_a_story_in_the_first_message_is_the_problem(shipped: Settings) -> None:
    text = "Хочу подать обращение: 14 ноября не открылась страница оплаты, после кода она белая"
    found = FORM.begin(heard(text, "file_appeal", 0.9), NOBODY, shipped)
    assert found["problem"] == text
    assert found["occurred_at"].startswith("14 ноября")


@pytest.mark.parametrize(
    ("asked", "first", "second", "found"),
    [
        ("problem", "не работает", "вход", {"problem": "не работает. вход"}),
        ("problem", "не работает", "Страница входа белая после кода", {"problem": "Страница входа белая после кода"}),
        ("occurred_at", "тогда", "в тот день", {"occurred_at": "в тот день"}),
        ("full_name", "pdname2", "pdname2", {"full_name": "pdname2"}),
        ("full_name", "pdname2", "да, верно", {"full_name": "pdname2"}),
        ("full_name", "pdname2", "pdname1", {"full_name": "pdname1"}),
    ],
)
def test_what_was_doubted_is_taken_the_second_time(shipped: Settings, asked: str, first: str, second: str, found: dict[str, Any]) -> None:
    slots = NOBODY | {"doubted": None}
    message = replace(heard(first), values={**VALUES, "pdname2": "Сукарно"})
    with pytest.raises(FieldFault):
        FORM.read(asked, message, slots, shipped)
    assert FORM.read(asked, replace(message, text=second), slots | {"doubted": [asked, first]}, shipped) == found


@pytest.mark.parametrize(("asked", "first"), [("problem", "не работает"), ("occurred_at", "тогда"), ("tried", "…")])
@pytest.mark.parametrize(("text", "intent"), [("спасибо", "thank"), ("добрый день", "greet"), ("а зачем?", "ask_question")])
def test_small_talk_is_not_taken_the_second_time_either(shipped: Settings, asked: str, first: str, text: str, intent: str) -> None:
    with pytest.raises((SomethingElse, FieldFault)):
        FORM.read(asked, heard(text, intent, 0.9), NOBODY | {"doubted": [asked, first]}, shipped)


@pytest.mark.parametrize(
    ("asked", "text", "found"),
    [
        ("full_name", "снилс pdsnils1 телефон pdphone1", {"snils": "pdsnils1", "phone": "pdphone1", "reply_channel": "phone"}),
        ("full_name", "pdname1, pdsnils1", {"full_name": "pdname1", "snils": "pdsnils1"}),
        ("snils", "pdsnils1, почта pdemail1, звонить pdphone1", {"snils": "pdsnils1", "email": "pdemail1", "phone": "pdphone1"}),
        ("snils", "pdsnils1, у мамы pdsnils3", {"snils": "pdsnils1"}),
        (
            "reply_channel",
            "письмом pdemail1, заявление 1234567890123",
            {"reply_channel": "email", "email": "pdemail1", "application_number": "1234567890123"},
        ),
    ],
)
def test_several_fields_of_one_message_are_taken(shipped: Settings, asked: str, text: str, found: dict[str, Any]) -> None:
    assert FORM.read(asked, heard(text), NOBODY, shipped) == found


def test_what_is_known_is_changed_only_by_a_correction(shipped: Settings) -> None:
    slots = NOBODY | {"snils": "pdsnils9", "email": "pdemail1", "reply_channel": "email"}
    assert FORM.read("tried", heard("писал в поддержку, снилс pdsnils1"), slots, shipped) == {"tried": "писал в поддержку, снилс pdsnils1"}
    assert FORM.read("category", heard("жалоба, и исправьте снилс: pdsnils1"), slots, shipped) == {
        "category": "complaint",
        "snils": "pdsnils1",
    }


def test_the_order_of_the_fields() -> None:
    slots: dict[str, Any] = dict.fromkeys((*FIELDS, "field_to_correct"))
    asked = []
    while (field := FORM.next_field(slots)) is not None:
        asked.append(field)
        slots[field] = "phone" if field == "reply_channel" else True
    assert asked == [field for field in FIELDS if field != "email"]
    assert FORM.next_field(dict.fromkeys(slots) | {"consent": False}) is None
    assert FORM.next_field(slots | {"field_to_correct": True}) == "field_to_correct"
