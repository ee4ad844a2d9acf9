"""The command line: ``python -m knowledge_base build | search TEXT | calibrate | evaluate DIR | export DIR | import PATH | marks``."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from core.models import Article
from core.settings import Settings, SettingsError, settings_or_exit
from knowledge_base import exchange_commands, marks_command, search_commands
from knowledge_base.articles import ArticleError, read_folder, stored
from knowledge_base.building import build, warm_up
from knowledge_base.desk_reading import has_desk, read_desk
from knowledge_base.evaluate import CorpusError, evaluate
from knowledge_base.index import IndexRefused
from knowledge_base.synonyms import SynonymsError


def main() -> int:
    arguments = _arguments()
    try:
        command: Callable[[argparse.Namespace], int | None] = arguments.command
        return command(arguments) or 0
    except (SettingsError, ArticleError, CorpusError, IndexRefused, SynonymsError) as error:
        print(f"knowledge_base: {error}", file=sys.stderr)
        return 2


def desk_articles(settings: Settings) -> list[Article]:
    """What citizens may read: the articles in the desk's database, or where it has none, drafts neither, those of the folder.

    Raises IndexRefused if all are drafts.
    """
    found = read_desk(settings, stored) if has_desk(settings) else []
    shown = [article for article in found or read_folder(settings.articles_dir, settings) if article.published]
    if not shown:
        raise IndexRefused("no article is published")
    return shown


def build_command(arguments: argparse.Namespace) -> None:
    if arguments.standby:
        warm_up(settings_or_exit().embedder_model)  # dictionary and encoder, too, are loaded before the wait
        if not sys.stdin.readline():
            return
    _build(settings_or_exit(), quiet=arguments.quiet, retune=not arguments.keep_embedder)


def search_command(arguments: argparse.Namespace) -> None:
    settings = settings_or_exit()
    search_commands.search(arguments.text, settings, lambda: _build(settings), as_json=arguments.json)


def calibrate_command(arguments: argparse.Namespace) -> None:
    """A build that tunes derives the calibration too; what exists already is only shown."""
    settings = settings_or_exit()
    _build(settings)
    search_commands.show_calibration(settings, as_json=arguments.json)


def evaluate_command(arguments: argparse.Namespace) -> None:
    settings = settings_or_exit()
    measured = evaluate(arguments.folder, tuned=not arguments.no_tune, embedder_model=settings.embedder_model, progress=_say)
    if arguments.json:
        print(json.dumps(measured))
    else:
        for name, value in measured.items():
            print(f"{name:<23} {value:g}")


def _build(settings: Settings, *, quiet: bool = False, retune: bool = True) -> None:
    progress = (lambda _: None) if quiet else _say
    articles, synonyms_file = desk_articles(settings), settings.synonyms_file
    build(articles, settings.index_dir, settings.embedder_model, retune=retune, synonyms_file=synonyms_file, progress=progress)


def _say(line: str) -> None:
    """Progress goes beside the output: ``--json`` prints one object and no more."""
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m knowledge_base", description="The desk's articles: index and search.")
    commands = parser.add_subparsers(required=True, metavar="build | search | calibrate | evaluate | export | import | marks")
    building = commands.add_parser("build", help="index the articles, if they changed")
    building.add_argument("--quiet", action="store_true", help="no progress")
    building.add_argument("--keep-embedder", action="store_true", help="do not tune it anew: quick, for an edit")
    building.add_argument("--standby", action="store_true", help="begin when a line comes on standard input; end if none does")
    building.set_defaults(command=build_command)
    searching = commands.add_parser("search", help="what a citizen's text would find")
    searching.add_argument("text")
    searching.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    searching.set_defaults(command=search_command)
    calibrating = commands.add_parser("calibrate", help="how sure the search is when: thresholds and their curve")
    calibrating.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    calibrating.set_defaults(command=calibrate_command)
    evaluating = commands.add_parser("evaluate", help="measure on a corpus in BEIR's layout")
    evaluating.add_argument("folder", type=Path)
    evaluating.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    evaluating.add_argument("--no-tune", action="store_true", help="do not tune the embedder on the corpus")
    evaluating.set_defaults(command=evaluate_command)
    exchange_commands.add_commands(commands, print)
    marks_command.add_command(commands, print)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
