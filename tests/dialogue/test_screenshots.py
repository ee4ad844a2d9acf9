"""Pictures with an error on them, with the real engine and tesseract: the article comes before the appeal, and never in its way."""

from typing import Any

from PIL import Image

from tests.dialogue.appeal_form import expects, go_to
from tests.screens import OUTAGE, SIGNATURE, Screen, encode
from tests.stack import Citizen, OperatorClient, wait_for

NOTHING_ON_IT = encode(Image.new("RGB", (600, 400), "white"))


def send(citizen: Citizen, content: bytes, text: str = "") -> list[dict[str, Any]]:
    """A picture, sent when its text is there: busy machines read slowly, and the bot waits a moment only."""
    attachment_id = citizen.upload("снимок.png", content).json()["id"]
    log = citizen.stack.data_dir / "logs" / "gateway.log"
    wait_for("the picture to be read", lambda: any("screenshot_read" in line and attachment_id in line for line in log.open()))
    return citizen.say(text, attachment_ids=[attachment_id])


def titles(message: dict[str, Any]) -> list[str]:
    return [button["title"] for button in message["buttons"]]


def test_an_error_on_a_picture_is_answered_without_a_word_of_the_citizen(citizen: Citizen) -> None:
    (answer,) = send(citizen, SIGNATURE.png())
    assert answer["meta"]["kind"] == "answer" and answer["meta"]["article"] == "signature-expired"
    assert answer["text"].startswith("На снимке, кажется, ошибка «Ошибка. Электронная подпись недействительна: срок действия сертификата")
    assert citizen.press("Не помогло")[-1]["meta"]["kind"] == "suggestions"


def test_an_error_that_no_article_knows_leads_to_a_person(citizen: Citizen) -> None:
    (told,) = send(citizen, Screen("502 Bad Gateway", "nginx", has_menu=False).png())
    assert "502 Bad Gateway" in told["text"] and "Позвать оператора" in titles(told)
    assert citizen.say("да")[-1]["meta"]["kind"] == "handoff"


def test_a_picture_without_an_error_is_acknowledged(citizen: Citizen) -> None:
    (told,) = send(citizen, NOTHING_ON_IT)
    assert told["meta"]["kind"] == "offer" and "Сообщение прочитано" in told["text"]


def test_words_beside_a_picture_are_the_question(citizen: Citizen) -> None:
    answer = send(citizen, SIGNATURE.png(), "не приходит смс с кодом")[-1]
    assert answer["meta"]["article"] == "login-code-not-coming"


def test_the_form_offers_the_article_once_and_goes_on(citizen: Citizen, operator: OperatorClient) -> None:
    go_to(citizen, "screenshots")
    (asked,) = send(citizen, OUTAGE.png())
    assert expects([asked]) == "screenshots"
    assert "На снимке, кажется, ошибка «Сервис временно недоступен. Ошибка 503" in asked["text"] and "Файлы получены" in asked["text"]
    title = titles(asked)[0]
    assert title in asked["text"] and {"Дальше", "Отменить", "Позвать оператора"} <= set(titles(asked))
    opened = citizen.press(title)
    assert [message["meta"]["kind"] for message in opened] == ["answer", "form"]
    assert expects(opened) == "screenshots" and "кажется, ошибка" not in opened[-1]["text"]
    again = send(citizen, SIGNATURE.png())
    assert expects(again) == "screenshots" and "кажется, ошибка" not in again[-1]["text"]
    summary = citizen.press("Дальше")
    assert expects(summary) == "confirmation" and "кажется, ошибка" not in summary[-1]["text"]
    assert citizen.press("Отправить")[-1]["meta"]["kind"] == "appeal_registered"
    texts = [file["text"] for message in operator.transcript(citizen.id)["messages"] for file in message["attachments"]]
    assert "Ошибка 503" in texts[0] and "сертификата" in texts[1]


def test_a_picture_that_says_nothing_leaves_the_form_as_it_was(citizen: Citizen) -> None:
    go_to(citizen, "screenshots")
    asked = send(citizen, NOTHING_ON_IT)
    assert expects(asked) == "screenshots" and asked[-1]["text"].startswith("Файлы получены")
    assert expects(citizen.press("Дальше")) == "confirmation"


def test_an_article_that_helped_ends_the_form_at_a_word(citizen: Citizen) -> None:
    go_to(citizen, "screenshots")
    (asked,) = send(citizen, SIGNATURE.png())
    citizen.press(titles(asked)[0])
    helped = citizen.press("Помогло")  # the form stays where it was: whether the appeal is needed the citizen knows
    assert [message["meta"]["kind"] for message in helped] == ["smalltalk", "form"] and expects(helped) == "screenshots"
    assert "не отправлено" in citizen.press("Отменить")[-1]["text"]
    assert citizen.http.get(f"{citizen.path}/appeals").json()["appeals"] == []
