"""How far each IMAP folder is read, kept in the transaction that stores its letters. Functions of one transaction each.

docs/adr/0010-how-far-a-mailbox-is-read.md says why here and not by a flag in the mailbox.
"""

from sqlalchemy.orm import Session

from core.models import MailFolder


def find(session: Session, name: str) -> MailFolder | None:
    return session.get(MailFolder, name)


def begin(session: Session, name: str, numbering: int, next_uid: int) -> None:
    """A folder that is read for the first time, or whose letters have new numbers. ``numbering``: its UIDVALIDITY."""
    folder = session.get(MailFolder, name)
    if folder is None:
        session.add(MailFolder(name=name, uid_validity=numbering, next_uid=next_uid))
    else:
        folder.uid_validity, folder.next_uid = numbering, next_uid


def advance(session: Session, name: str, numbering: int, next_uid: int) -> None:
    """All that is new below ``next_uid`` is stored. Never goes back."""
    folder = session.get(MailFolder, name, with_for_update=True)
    if folder is not None and folder.uid_validity == numbering:
        folder.next_uid = max(folder.next_uid, next_uid)
