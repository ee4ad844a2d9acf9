"""``python -m tests.integration.mail_process``: the part of a gateway that takes letters, as a process that can be killed."""

import asyncio

from bot.channels.mail_collector import MailCollector, choose_mailbox
from bot.channels.mail_intake import MailIntake
from core.desk import open_desk
from core.files import Files
from core.settings import read_settings


async def run() -> None:
    desk = open_desk(read_settings())
    await asyncio.gather(MailCollector(desk, choose_mailbox(desk)).run_forever(), MailIntake(desk, Files(desk)).run_forever())


if __name__ == "__main__":
    asyncio.run(run())
