"""`python -m knowledge_base export | import`: articles to and from files."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk, open_desk
from core.models import Operator
from core.settings import SettingsError, settings_or_exit
from core.words import say
from knowledge_base import importing, sources
from knowledge_base.articles import ArticleError, stored
from knowledge_base.desk_reading import has_desk, read_desk
from knowledge_base.editing import REASON_CHARACTERS
from knowledge_base.exporting import write_folder
from knowledge_base.importing import Options, Plan

Tell = Callable[[str], None]

IMPORT = "import"  # the author of what nobody answers for


def add_commands(commands: Any, tell: Tell) -> None:
    """``tell`` prints a line."""
    exporting = commands.add_parser("export", help="write the desk's articles into a folder, drafts too")
    exporting.add_argument("folder", type=Path)
    exporting.set_defaults(command=partial(export_command, tell=tell))
    taking = commands.add_parser("import", help="take articles from .csv, .jsonl (BEIR), .md, .html or a folder of the last two")
    taking.add_argument("path", type=Path)
    taking.add_argument("--author", metavar="LOGIN", default="", help="the operator who answers for it")
    taking.add_argument("--section", metavar="SLUG", default="", help="of new articles whose file tells none")
    state = taking.add_mutually_exclusive_group()
    state.add_argument("--publish", dest="published", action="store_true", default=None, help="new articles are published")
    state.add_argument("--draft", dest="published", action="store_false", default=None, help="new articles are drafts")
    taking.add_argument("--overwrite", action="store_true", help="take the file also where the article was changed here since")
    taking.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    taking.set_defaults(command=partial(import_command, tell=tell))


def export_command(arguments: argparse.Namespace, tell: Tell) -> int:
    settings = settings_or_exit()
    if not has_desk(settings):
        raise SettingsError(f"there is no desk in {settings.data_dir}: nothing to export")
    articles = read_desk(settings, stored)
    try:
        written = write_folder(articles, arguments.folder)
    except OSError as error:
        raise ArticleError(arguments.folder, 0, f"the folder cannot be written: {error.strerror}") from None
    tell(f"{len(articles)} articles, {written} files written")
    return 0


def import_command(arguments: argparse.Namespace, tell: Tell) -> int:
    """1 if something was refused, or changed here since."""
    settings = settings_or_exit()
    found = list(sources.read(arguments.path))
    desk = open_desk(settings)
    try:
        options = _options(arguments, desk)
        if arguments.dry_run:
            plan = desk.database.read(importing.plan, settings, found, options)
        else:
            plan = desk.database.write(_take, desk, found, options)
    finally:
        desk.close()
    _report(plan, tell, dry_run=arguments.dry_run)
    return 0 if plan.is_clean else 1


def _options(arguments: argparse.Namespace, desk: Desk) -> Options:
    def is_known(session: Session) -> bool:
        return session.scalar(select(Operator.id).where(Operator.login == arguments.author)) is not None

    if arguments.author and not desk.database.read(is_known):
        raise SettingsError(f"--author: there is no operator {arguments.author!r}")
    reason = say("article_imported", file=arguments.path.name)[:REASON_CHARACTERS]
    return Options(arguments.author or IMPORT, reason, arguments.section, arguments.published, arguments.overwrite)


def _take(session: Session, desk: Desk, found: list[Any], options: Options) -> Plan:
    plan, written = importing.take(session, desk.settings, found, options)
    for revision in written:
        action = audit.ARTICLE_CREATED if revision.number == 1 else audit.ARTICLE_CHANGED
        audit.append(session, desk.vault, audit.COMMAND_LINE, action, audit.article_subject(revision))
    return plan


def _report(plan: Plan, tell: Tell, *, dry_run: bool) -> None:
    new = [one for one in plan.wanted if one.article is None]
    changed = [one for one in plan.wanted if one.article is not None]
    for one in new:
        tell(f"new           {one.candidate.slug}")
    for one in changed:
        tell(f"changed       {one.candidate.slug}")
    for candidate, newest in plan.changed_here:
        place = f"{candidate.file}:{candidate.line}"
        tell(f"changed here  {place}: {candidate.slug} has revision {newest.number} by {newest.author}; --overwrite takes the file's")
    for error in plan.refused:
        tell(f"refused       {error}")
    counts = f"{len(new)} new, {len(changed)} changed, {len(plan.unchanged)} unchanged"
    faults = f"{len(plan.changed_here)} changed here since, {plan.refusals} refused"
    tell(f"{counts}, {faults}{'; nothing was stored: a dry run' if dry_run else ''}")
