"""How far an IMAP folder is read."""

from bot.channels import mail_folders
from core.desk import Desk

LARGEST = 2**32 - 1


def test_never_goes_back_and_begins_anew_with_new_numbers(desk: Desk) -> None:
    def next_uid(name: str = "desk@mail/INBOX") -> int | None:
        folder = desk.database.read(mail_folders.find, name)
        return None if folder is None else folder.next_uid

    assert next_uid() is None
    desk.database.write(mail_folders.begin, "desk@mail/INBOX", LARGEST, 5)
    desk.database.write(mail_folders.begin, "desk@mail/Обращения", 1, 70)
    for given, expected in ((9, 9), (7, 9), (LARGEST, LARGEST)):
        desk.database.write(mail_folders.advance, "desk@mail/INBOX", LARGEST, given)
        assert next_uid() == expected
    first = desk.database.read(mail_folders.find, "desk@mail/INBOX")
    desk.database.write(mail_folders.begin, "desk@mail/INBOX", 3, 2)
    desk.database.write(mail_folders.advance, "desk@mail/INBOX", LARGEST, 100)  # of the old numbers
    again = desk.database.read(mail_folders.find, "desk@mail/INBOX")
    assert first
    assert again
    assert (again.next_uid, again.first_read_at) == (2, first.first_read_at)
    assert next_uid("desk@mail/Обращения") == 70
