"""The commands that show the search at work: what a text finds and why, and how sure it is when."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict

from core.settings import Settings
from knowledge_base.calibration import Calibration
from knowledge_base.index import WEIGHTS, Index, IndexRefused
from knowledge_base.search import Result, explain
from knowledge_base.search import search as search_in
from knowledge_base.versions import load

_OUTCOMES = {"answer": "answer: the first article", "suggestions": "suggestions", "none": "none: nothing here is near"}


def search(text: str, settings: Settings, build: Callable[[], None], *, as_json: bool) -> None:
    """Prints what a citizen's text finds. build: called where there is no index that serves. Raises IndexRefused."""
    try:
        index, calibration = load(settings.index_dir, settings.embedder_model)
    except IndexRefused:
        build()
        index, calibration = load(settings.index_dir, settings.embedder_model)
    result = search_in(index, calibration, text)
    if as_json:
        _print(json.dumps({"outcome": result.outcome, "hits": [asdict(hit) for hit in result.hits]}, ensure_ascii=False))
    else:
        _print_table(index, calibration, text, result)


def show_calibration(settings: Settings, *, as_json: bool) -> None:
    """Prints the present index's thresholds and the curve that they were read from. Raises IndexRefused."""
    _, calibration = load(settings.index_dir, settings.embedder_model)
    if as_json:
        _print(json.dumps(asdict(calibration)))
        return
    if not calibration.curve:
        _print("Too few aliases to learn from: the shipped calibration serves.")
    else:
        _print(f"From {calibration.aliases} aliases that the index did not see and {calibration.outsiders} texts that no article answers:")
        _print(f"AUROC {calibration.auroc}\n\nsure at least   aliases   of these right   other texts refused")
        for point in calibration.curve:
            _print(f"{point.threshold:14.2f} {point.found:9.3f} {point.right:16.3f} {point.refused:21.3f}")
        _print("")
    _print(f"suggestions from {calibration.suggest}, an answer from {calibration.answer}")


def _print_table(index: Index, calibration: Calibration, text: str, result: Result) -> None:
    query, match = explain(index, text)
    _print(f"read as  {query.text}")
    for written, meant in query.changes:
        _print(f"         {written} → {meant}")
    _print(f"outcome  {_OUTCOMES[result.outcome]} (suggestions from {calibration.suggest}, an answer from {calibration.answer})")
    _print(f"strange  {match.unseen:.2f} of the words, by rarity, in no article; {match.outside:.2f} like texts that none answers\n")
    _print("sure   score " + "".join(f"{name:>8}" for name in WEIGHTS) + "   article")
    _print("            " + "".join(f"{f'×{weight:g}':>8}" for weight in WEIGHTS.values()))
    row_of = {index.articles[at].slug: row for row, at in enumerate(match.articles)}
    for hit in result.hits:
        row = row_of.get(hit.slug)  # none: only a sentence of a long text found it
        channels = [f"{getattr(match, name)[row]:8.3f}" if row is not None else "       –" for name in WEIGHTS]
        _print(f"{hit.confidence:4.2f} {hit.score:7.3f} {''.join(channels)}   {hit.slug}: {hit.title}")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
