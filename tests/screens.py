"""Screens with an error on them, as citizens photograph and send them: drawn on the spot."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_FONTS = "/usr/share/fonts/truetype/dejavu"  # of the package fonts-dejavu-core
_BLUE = (13, 76, 211)
_MENU = ("Личный кабинет", "Мои заявления", "Уведомления", "Сообщить об ошибке")
_LIGHT = {"page": (240, 242, 245), "card": (255, 255, 255), "ink": (30, 33, 38), "quiet": (110, 118, 128)}
_DARK = {"page": (24, 26, 30), "card": (40, 43, 50), "ink": (225, 228, 232), "quiet": (150, 155, 165)}


@dataclass(frozen=True)
class Screen:
    """A portal's page with a dialog on it. ``letters``: their height in pixels."""

    title: str
    body: str
    buttons: tuple[str, ...] = ("Закрыть",)
    width: int = 1366
    height: int = 768
    letters: int = 15
    is_dark: bool = False
    has_menu: bool = True

    def draw(self) -> Image.Image:
        colours, unit = _DARK if self.is_dark else _LIGHT, self.letters
        picture = Image.new("RGB", (self.width, self.height), colours["page"])
        pen = ImageDraw.Draw(picture)
        plain, bold = _font(unit), _font(round(unit * 1.3), "-Bold")
        if self.has_menu:
            pen.rectangle((0, 0, self.width, 3 * unit), fill=_BLUE)
            pen.text((unit, unit), "Госпортал   Помощь", font=plain, fill="white")
            for place, words in enumerate(_MENU):
                pen.text((unit, (4 + 2 * place) * unit), words, font=plain, fill=colours["quiet"])
        width = min(self.width - 2 * unit, 36 * unit)
        lines = _wrap(pen, self.body, plain, width - 4 * unit)
        left, top = (self.width - width) // 2, self.height // 3
        below = top + 5 * unit + round(1.5 * unit * len(lines))
        pen.rounded_rectangle((left, top, left + width, below + 4 * unit), unit, fill=colours["card"])
        pen.text((left + 2 * unit, top + 2 * unit), self.title, font=bold, fill=colours["ink"])
        for place, line in enumerate(lines):
            pen.text((left + 2 * unit, top + 5 * unit + round(1.5 * unit * place)), line, font=plain, fill=colours["ink"])
        start = left + 2 * unit
        for words in self.buttons:
            end = start + round(pen.textlength(words, font=plain)) + 2 * unit
            pen.rounded_rectangle((start, below + unit // 2, end, below + 3 * unit), unit // 2, fill=_BLUE)
            pen.text((start + unit, below + unit), words, font=plain, fill="white")
            start = end + unit
        return picture

    def png(self) -> bytes:
        return encode(self.draw())

    def jpeg(self, quality: int = 60) -> bytes:
        return encode(self.draw(), "JPEG", quality=quality)


SIGN_IN = Screen(
    "Ошибка авторизации", "Не удалось войти через ЕСИА. Код ошибки: ESIA-007005. Попробуйте позже.", buttons=("Повторить", "Закрыть")
)
OUTAGE = Screen("Сервис временно недоступен", "Ошибка 503. Мы уже работаем над восстановлением, попробуйте позже.", is_dark=True)
SIGNATURE = Screen(
    "Ошибка", "Электронная подпись недействительна: срок действия сертификата истёк.", width=420, height=300, letters=12, has_menu=False
)
UPLOAD = Screen(
    "Что-то пошло не так",
    "Не удалось загрузить файл: размер больше 5 МБ. Попробуйте ещё раз.",
    width=1080,
    height=2340,
    letters=36,
    is_dark=True,
)
SMS_CODE = Screen(
    "Код не подходит", "Код из СМС введён неверно или устарел. Запросите новый код через 60 секунд.", width=1080, height=2340, letters=36
)
NOT_FILLED = Screen(
    "Не удалось отправить заявление", "Не заполнены обязательные поля. Проверьте данные.", width=1920, height=1080, letters=16
)
ENGLISH = Screen("502 Bad Gateway", "The service is temporarily unavailable. Please try again later.", has_menu=False)


def noise(width: int = 800, height: int = 600) -> bytes:
    """A photograph without a word."""
    spots = np.random.default_rng(1).integers(0, 255, (height // 10, width // 10, 3), dtype=np.uint8)
    return encode(Image.fromarray(np.kron(spots, np.ones((10, 10, 1), np.uint8))), "JPEG", quality=80)


def encode(picture: Image.Image, kind: str = "PNG", **options: int) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def _font(size: int, style: str = "") -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(f"{_FONTS}/DejaVuSans{style}.ttf", size)


def _wrap(pen: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if pen.textlength(longer, font=font) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
