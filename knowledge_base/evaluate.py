"""Measures the search on any corpus in BEIR's layout, indexed exactly as a deployment's articles are."""

import json
import math
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.models import Article
from knowledge_base.building import Progress, build
from knowledge_base.calibrating import auroc
from knowledge_base.search import Result, search
from knowledge_base.versions import load

DEEPEST = 10
_WARM_UP = 20  # searches before the clock runs: the first ones fill caches
_REFUSED = 0.9

Judgements = dict[str, dict[str, int]]  # query id → article id → gain


class CorpusError(Exception):
    """The folder is not a corpus in BEIR's layout; the text is one line naming file and line."""


def evaluate(folder: Path, *, tuned: bool = True, embedder_model: str = "", progress: Progress = lambda _: None) -> dict[str, float]:
    """Indexes ``folder``'s corpus in a temporary place and searches for every query.

    Returns means over the judged queries from 0 to 1: ``recall@1``, ``recall@3``, ``recall@5``, ``mrr@10``, ``ndcg@10``. Queries without a
    judgement are out of scope; where there are such, ``auroc`` of the confidence, ``answered_at_90_refused`` (the share of judged queries
    surer than nine in ten of the others), and at the index's own thresholds ``answered``, ``suggested`` and ``refused`` (the share of the
    others that get neither). Then counts, seconds of building, and ``p95_ms`` of a search on one thread. Raises CorpusError.
    """
    articles, queries, judged = read_task(folder)
    with TemporaryDirectory(prefix="otklik-evaluate-") as place:
        begun = time.perf_counter()
        build(articles, Path(place), embedder_model, tuned=tuned, progress=progress)
        built = time.perf_counter() - begun
        index, calibration = load(Path(place), embedder_model)
        progress(f"Searching for {len(queries)} queries …")
        for text in list(queries.values())[:_WARM_UP]:
            search(index, calibration, text, DEEPEST)
        results, durations = {}, []
        for query, text in queries.items():
            begun = time.perf_counter()
            results[query] = search(index, calibration, text, DEEPEST)
            durations.append(time.perf_counter() - begun)
    counts = {"articles": len(articles), "queries": len(judged), "out_of_scope": len(queries) - len(judged)}
    slowest = sorted(durations)[math.ceil(0.95 * len(durations)) - 1]
    times = {"build_seconds": round(built, 1), "p95_ms": round(slowest * 1000, 2)}
    return {**_means(results, judged), **_bands(results, judged), **counts, **times}


def _means(results: dict[str, Result], judged: Judgements) -> dict[str, float]:
    totals: dict[str, float] = defaultdict(float)
    for query, gains in judged.items():
        for name, value in measure([hit.slug for hit in results[query].hits], gains).items():
            totals[name] += value
    return {name: round(total / len(judged), 4) for name, total in totals.items()}


def _bands(results: dict[str, Result], judged: Judgements) -> dict[str, float]:
    """Empty when every query is judged."""
    inside = [result for query, result in results.items() if query in judged]
    outside = [result for query, result in results.items() if query not in judged]
    if not outside:
        return {}
    sure, unsure = _confidences(inside), _confidences(outside)
    return {
        "auroc": round(auroc(sure, unsure), 4),
        "answered_at_90_refused": round(float((sure > np.quantile(unsure, _REFUSED)).mean()), 4),
        "answered": round(sum(result.outcome == "answer" for result in inside) / len(inside), 4),
        "suggested": round(sum(result.outcome == "suggestions" for result in inside) / len(inside), 4),
        "refused": round(sum(result.outcome == "none" for result in outside) / len(outside), 4),
    }


def _confidences(results: Iterable[Result]) -> NDArray[np.float64]:
    return np.array([max((hit.confidence for hit in result.hits), default=0.0) for result in results])


def measure(found: list[str], gains: dict[str, int]) -> dict[str, float]:
    """One query: ``found`` are article ids, best first; ``gains`` the relevant ones with their gain above 0."""
    first = next((rank for rank, slug in enumerate(found[:DEEPEST], 1) if slug in gains), None)
    gained = sum(gains.get(slug, 0) / math.log2(rank + 1) for rank, slug in enumerate(found[:DEEPEST], 1))
    best = sum(gain / math.log2(rank + 1) for rank, gain in enumerate(sorted(gains.values(), reverse=True)[:DEEPEST], 1))
    return {
        "recall@1": len(gains.keys() & set(found[:1])) / len(gains),
        "recall@3": len(gains.keys() & set(found[:3])) / len(gains),
        "recall@5": len(gains.keys() & set(found[:5])) / len(gains),
        "mrr@10": 1 / first if first else 0.0,
        "ndcg@10": gained / best,
    }


def read_task(folder: Path) -> tuple[list[Article], dict[str, str], Judgements]:
    """A folder's articles, its queries by id, and what answers which. Raises CorpusError."""
    articles = read_corpus(folder / "corpus.jsonl")
    queries = {str(record["_id"]): str(record["text"]) for _, record in _records(folder / "queries.jsonl", ("_id", "text"))}
    return articles, queries, _judgements(folder / "qrels" / "test.tsv", queries, {article.slug for article in articles})


def read_corpus(path: Path) -> list[Article]:
    """A ``corpus.jsonl`` as transient articles. Raises CorpusError."""
    articles: dict[str, Article] = {}
    for line, record in _records(path, ("_id", "text")):
        slug = str(record["_id"])
        if slug in articles:
            raise CorpusError(f"{path}:{line}: _id {slug!r} is there twice")
        aliases = record.get("aliases") or []
        if not isinstance(aliases, list):
            raise CorpusError(f"{path}:{line}: aliases must be a list")
        title = str(record.get("title") or "")
        text = str(record["text"]).replace("\ufeff", "")
        articles[slug] = Article(slug=slug, title=title, section="", aliases=[str(alias) for alias in aliases], text=text, updated=date.min)
    if not articles:
        raise CorpusError(f"{path}: the corpus is empty")
    return list(articles.values())


def _records(path: Path, fields: tuple[str, ...]) -> list[tuple[int, dict[str, Any]]]:
    records = []
    for line, source in enumerate(_lines(path), 1):
        if not source.strip():
            continue
        try:
            record = json.loads(source)
        except ValueError:
            raise CorpusError(f"{path}:{line}: not JSON") from None
        if not isinstance(record, dict) or any(field not in record for field in fields):
            raise CorpusError(f"{path}:{line}: wants an object with {' and '.join(fields)}")
        records.append((line, record))
    return records


def _judgements(path: Path, queries: dict[str, str], slugs: set[str]) -> Judgements:
    judged: Judgements = defaultdict(dict)
    for line, source in enumerate(_lines(path), 1):
        columns = source.rstrip("\r\n").split("\t")
        if not source.strip() or (line == 1 and columns[0] == "query-id"):
            continue
        if len(columns) != 3 or not columns[2].lstrip("-").isdigit():
            raise CorpusError(f"{path}:{line}: wants query-id, corpus-id and a whole score, separated by tabs")
        query, slug, gain = columns[0], columns[1], int(columns[2])
        if query not in queries or slug not in slugs:
            raise CorpusError(f"{path}:{line}: no such {'query' if query not in queries else 'article'}")
        if gain > 0:
            judged[query][slug] = gain
    if not judged:
        raise CorpusError(f"{path}: nothing is judged")
    return judged


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise CorpusError(f"{path}: not UTF-8") from None
