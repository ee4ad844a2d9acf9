"""What a citizen says of their data, and what is a yes to the question about it."""

import pytest

from handoff.data_requests import ERASE, WITHDRAW, is_yes, named, recognise


@pytest.mark.parametrize(
    "text", ["отправьте мои данные", "Отправьте мои данные в ведомство", "вышлите мои сведения", "отправьте свои данные"]
)
def test_what_is_asked_for_somebody_else_is_no_wish(text: str) -> None:
    assert recognise(text) is None


@pytest.mark.parametrize("text", ["да", "Да, конечно", "Да, удалить мои данные", "удаляйте", "ага удали всё", "хорошо", "подтверждаю."])
def test_a_yes_is_a_yes(text: str) -> None:
    assert is_yes(ERASE, text)


@pytest.mark.parametrize(
    "text",
    ["да не надо", "да, а что потом", "да?", "отзываю", "нет", "удалите, но не всё", "", "да ладно вам тут вот так сразу", "данные"],
)
def test_a_doubt_is_none(text: str) -> None:
    assert not is_yes(ERASE, text)


def test_one_wish_is_no_yes_to_another() -> None:
    assert is_yes(WITHDRAW, "отзываю") and not is_yes(WITHDRAW, "удаляйте")
    assert (named("сотрите всё"), named("я передумал, отзываю согласие"), named("привет")) == (ERASE, WITHDRAW, None)
