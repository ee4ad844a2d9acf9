"""Citizens who write to the bot in Telegram, at the local Bot API server."""

import io
import itertools
import random
import time
from typing import Any

from PIL import Image

from tests.bot_api import BotApi, Sent
from tests.stack import wait_for


class TelegramCitizen:
    """Somebody with the bot's private chat open."""

    def __init__(self, api: BotApi, first_name: str = "Анна") -> None:
        self.api = api
        self.chat_id = random.randrange(10**8, 9 * 10**9)  # noqa: S311 - as it happens to be
        self._who = {"id": self.chat_id, "is_bot": False, "first_name": first_name, "language_code": "ru"}

    @property
    def received(self) -> list[Sent]:
        return self.api.said_to(self.chat_id)

    @property
    def read(self) -> list[str]:
        """The texts that came, oldest first."""
        return [sent.text for sent in self.received if sent.text]

    def wait_for(self, words: str, seconds: float = 60) -> Sent:
        """The newest message with ``words`` in it."""
        return wait_for(
            f"«{words}» in Telegram, which got {self.read}",
            lambda: next((sent for sent in reversed(self.received) if words in sent.text), None),
            seconds,
        )

    def wait_for_number(self, count: int, seconds: float = 60) -> list[Sent]:
        """All that came, once it is ``count``."""
        return wait_for(f"{count} messages in Telegram", lambda: found if len(found := self.received) >= count else None, seconds)

    def says(self, text: str) -> int:
        return self.sends(text=text)

    def starts(self) -> int:
        return self.sends(text="/start", entities=[{"type": "bot_command", "offset": 0, "length": 6}])

    def sends(self, **content: Any) -> int:
        """Any message; the update's id."""
        return self.api.put("message", self._message(**content), self.chat_id)

    def sends_photo(self, content: bytes, caption: str = "", **more: Any) -> int:
        return self.sends(photo=self._photo(content), **({"caption": caption} if caption else {}), **more)

    def sends_document(self, name: str, content: bytes, caption: str = "", told_size: int | None = None, **more: Any) -> int:
        file_id = self.api.keep_file("documents", name.rpartition(".")[2], content, told_size)
        document = {"file_id": file_id, "file_unique_id": "u", "file_name": name, "file_size": told_size or len(content)}
        return self.sends(document=document, **({"caption": caption} if caption else {}), **more)

    def sends_album(self, contents: list[bytes], caption: str = "") -> list[int]:
        """Photos as one album: an update each, the caption with the first."""
        group = str(random.randrange(10**16))  # noqa: S311 - as it happens to be
        return [self.sends_photo(content, caption if number == 0 else "", media_group_id=group) for number, content in enumerate(contents)]

    def sends_voice(self) -> int:
        voice = {"file_id": self.api.keep_file("voice", "oga", b"OggS"), "file_unique_id": "u", "duration": 3}
        return self.sends(voice=voice)

    def presses(self, title: str) -> str:
        """The newest button of that title; the query's id."""
        for sent in reversed(self.received):
            for button in itertools.chain.from_iterable(sent.buttons):
                if button[0] == title:
                    return self.presses_data(button[1], sent)
        raise AssertionError(f"no button «{title}»")

    def presses_data(self, data: str, sent: Sent | None = None) -> str:
        """A button of any content, as a changed program might send it."""
        query_id = self.api.new_query()
        message = self._message(text=sent.text if sent else "?")
        query = {"id": query_id, "from": self._who, "message": message, "chat_instance": "1", "data": data}
        self.api.put("callback_query", query, self.chat_id)
        return query_id

    def _photo(self, content: bytes) -> list[dict[str, Any]]:
        width, height = Image.open(io.BytesIO(content)).size
        small = io.BytesIO()
        Image.open(io.BytesIO(content)).convert("RGB").resize((max(1, width // 4), max(1, height // 4))).save(small, "JPEG")
        sizes = [(small.getvalue(), max(1, width // 4), max(1, height // 4)), (content, width, height)]
        return [
            {
                "file_id": self.api.keep_file("photos", "jpg", one),
                "file_unique_id": "u",
                "width": across,
                "height": down,
                "file_size": len(one),
            }
            for one, across, down in sizes
        ]

    def _message(self, **content: Any) -> dict[str, Any]:
        return {
            "message_id": self.api.new_message_id(),
            "date": int(time.time()),
            "chat": {"id": self.chat_id, "type": "private", "first_name": self._who["first_name"]},
            "from": self._who,
            **content,
        }
