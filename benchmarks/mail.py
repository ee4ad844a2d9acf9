"""How many letters a second the desk takes, on SQLite: ``python benchmarks/mail.py [--letters N] [--out FOLDER]``.

Intake: from the mailbox, a Maildir and a Dovecot of its own, until all are committed and marked as read. Processing: from there until
something is made of each; 60 % become appeals, every tenth has a file. By the wall, and in processor time of this process, in which other
work on the machine counts little (the check of files, a process each, counts there only by the wall). Settings from the environment count,
as everywhere: by them other things that look at letters are switched on.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import structlog
from sqlalchemy import select

from bot.channels.mail_collector import MailCollector, choose_mailbox
from bot.channels.mail_intake import MailIntake
from core.desk import Desk, open_desk
from core.files import Files
from core.finding import warm_up
from core.models import IncomingLetter
from core.settings import read_settings
from tests.data.many_letters import make_letters
from tests.mail_servers import Dovecot
from tests.scanners import Clamd, Spamd

_PROMISED = 20  # letters a second of intake


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--letters", type=int, default=1000, help="from each mailbox")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results", help="where the figures are written")
    arguments = parser.parse_args()
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    letters = [letter.raw for letter in make_letters(arguments.letters)]
    figures: dict[str, dict[str, Any]] = {}
    with ExitStack() as running:
        dovecot, clamd, spamd = Dovecot(), Clamd(), Spamd()
        for server in (dovecot, clamd, spamd):
            running.callback(server.remove)
        mailbox = dovecot.mailbox()
        scanners: dict[str, object] = {"clamd_address": clamd.address, "spamd_address": spamd.address}
        sources: dict[str, tuple[dict[str, object], Callable[[Desk], None]]] = {
            "Maildir": ({}, lambda desk: _into_maildir(desk.settings.mail_dir / "incoming", letters)),
            "Maildir, with scanners": (scanners, lambda desk: _into_maildir(desk.settings.mail_dir / "incoming", letters)),
            "Dovecot": (mailbox.settings(), lambda _desk: mailbox.deliver(*letters)),
        }
        for name, (settings, deliver) in sources.items():
            with TemporaryDirectory(prefix="otklik-mail-") as folder:
                desk = open_desk(read_settings(data_dir=Path(folder) / "data", **settings))
                try:
                    deliver(desk)
                    warm_up(desk.settings)
                    figures[name] = asyncio.run(_measure(desk, len(letters)))
                finally:
                    desk.close()
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "mail.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    for name, found in figures.items():
        intake, processing = found["intake"], found["processing"]
        missed = "" if intake["wall"] >= _PROMISED else ", **missed**"
        print(f"{name}: intake {intake['wall']} letters/s (≥ {_PROMISED}{missed}), {intake['processor']} per second of processor time;")
        print(f"  processing {processing['wall']} letters/s, {processing['processor']} per second of processor time; {found['outcomes']}")


def _into_maildir(folder: Path, letters: list[bytes]) -> None:
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True)
    for number, letter in enumerate(letters):
        (folder / "new" / f"{number:06}.bench").write_bytes(letter)


async def _measure(desk: Desk, count: int) -> dict[str, Any]:
    mailbox, intake = choose_mailbox(desk), MailIntake(desk, Files(desk))
    collector = MailCollector(desk, mailbox)
    clock = _clock()
    await collector.collect()
    collected = _rates(count, clock)
    mailbox.close()
    clock = _clock()
    await intake.run_once()
    processed = _rates(count, clock)
    outcomes = desk.database.read(lambda session: Counter(session.scalars(select(IncomingLetter.outcome))))
    return {"intake": collected, "processing": processed, "outcomes": dict(outcomes)}


def _clock() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _rates(count: int, begun: tuple[float, float]) -> dict[str, float]:
    now = _clock()
    return {"wall": round(count / (now[0] - begun[0]), 1), "processor": round(count / (now[1] - begun[1]), 1)}


if __name__ == "__main__":
    main()
