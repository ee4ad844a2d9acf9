"""A form that its citizen left alone: open for as long as they talk of other things, offered on return, over after a day."""

from tests.data.personas import ANNA, PYOTR
from tests.dialogue.appeal_form import episode, expects, go_to, leave_alone
from tests.stack import Citizen


def test_who_comes_back_with_the_answer_goes_on(citizen: Citizen) -> None:
    go_to(citizen, "snils")
    leave_alone(citizen, hours=3)
    assert expects(citizen.say(ANNA.snils)) == "birth_date"


def test_who_comes_back_with_something_else_is_asked_whether_to_go_on(citizen: Citizen) -> None:
    go_to(citizen, "snils")
    leave_alone(citizen, hours=3)
    back = citizen.say("здравствуйте")
    assert [message["expects"] for message in back] == [None, "resume"]
    answered = citizen.say("как восстановить пароль от личного кабинета?")
    assert answered[0]["meta"]["kind"] == "answer"
    assert expects(answered) == "resume"
    assert expects(citizen.press("Продолжить заполнение")) == "snils"
    assert expects(citizen.say("спасибо")) == "snils"  # here again: no more offers
    leave_alone(citizen, hours=3)
    assert expects(citizen.say("здравствуйте")) == "resume"
    assert expects(citizen.say(ANNA.snils)) == "birth_date"


def test_a_question_after_a_pause_does_not_become_the_problem(citizen: Citizen) -> None:
    go_to(citizen, "problem")
    leave_alone(citizen, hours=3)
    answered = citizen.say("не приходит смс с кодом")
    assert answered[0]["meta"]["kind"] == "answer"
    assert expects(answered) == "resume"


def test_who_comes_back_may_begin_anew_or_leave(citizen: Citizen) -> None:
    go_to(citizen, "birth_date")
    leave_alone(citizen, hours=3)
    assert expects(citizen.say("привет")) == "resume"
    assert expects(citizen.press("Начать заново")) == "full_name"  # the consent stands
    citizen.say(ANNA.full_name)
    for leaving in ("нет, не нужно", None):
        leave_alone(citizen, hours=3)
        assert expects(citizen.say("привет")) == "resume"
        left = citizen.say(leaving) if leaving else citizen.press("Не нужно")
        assert expects(left) is None, left
        assert "не отправлено" in left[-1]["text"]
        go_to(citizen, "snils")


def test_after_a_day_it_is_over(citizen: Citizen) -> None:
    go_to(citizen, "snils")
    leave_alone(citizen, hours=25)
    assert [message["expects"] for message in citizen.say("здравствуйте")] == [None]
    assert citizen.say("не приходит смс с кодом")[-1]["meta"]["kind"] == "answer"


def test_it_stays_open_through_a_long_talk(citizen: Citizen) -> None:
    go_to(citizen, "birth_date")
    for _ in range(40):
        asked = citizen.say("не приходит смс с кодом")
        assert asked[0]["meta"]["kind"] == "answer"
        assert expects(asked) == "birth_date"
    assert episode(citizen) > 1
    assert expects(citizen.say(PYOTR.birth_date)) == "reply_channel"
