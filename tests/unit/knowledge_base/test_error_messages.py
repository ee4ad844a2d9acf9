"""The error message among all that a screen says."""

import pytest

from knowledge_base.error_messages import find_error, shorten

MENU = "Личный кабинет\nМои заявления\nСообщить об ошибке"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            f"Госпортал\n\n{MENU}\n\nОшибка авторизации\n\nНе удалось войти через ЕСИА. Код ошибки:\nESIA-007005.\nПовторить Закрыть",
            "Ошибка авторизации. Не удалось войти через ЕСИА. Код ошибки: ESIA-007005.",
        ),
        (f"{MENU}\n\nСервис временно недоступен\n\nОшибка 503\n\nКонтакты", "Сервис временно недоступен. Ошибка 503."),
        # A heading alone says nothing: what follows belongs to it.
        ("Ошибка\n\nВойдите заново: прошло больше часа\n\nКонтакты", "Ошибка. Войдите заново: прошло больше часа."),
        ("502 Bad Gateway\n\nnginx", "502 Bad Gateway. nginx."),
        ("Время ожидания истекло, HTTP 504", "Время ожидания истекло, HTTP 504."),
        ("Учётная запись заблокирована", "Учётная запись заблокирована."),
    ],
)
def test_it_is_found_with_what_belongs_to_it(text: str, error: str) -> None:
    assert find_error(text) == error


@pytest.mark.parametrize(
    "text", ["", "\n\n\n", MENU, "Нашли ошибку? Напишите нам", "Закрыть", "Заявление № 503 принято 12.11.2026\n\nСтатус: в работе"]
)
def test_a_screen_without_an_error_has_none(text: str) -> None:
    assert find_error(text) is None


def test_a_long_one_is_cut_between_words() -> None:
    error = find_error("Ошибка: " + "поле не заполнено, " * 100)
    assert error is not None
    assert len(error) <= 301
    assert error.endswith(("заполнено…", "поле…", "не…"))
    assert shorten("коротко", 10) == "коротко"
