"""Versions of the index: built once, switched whole, refused when broken."""

import json
import shutil
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import faiss
import pytest

from core.models import Article
from knowledge_base.building import build
from knowledge_base.embedder import HubEmbedder, StaticEmbedder
from knowledge_base.index import IndexRefused
from knowledge_base.search import Search
from knowledge_base.versions import MANIFEST, MODEL, POINTER, load


def edited(articles: list[Article], words: str) -> list[Article]:
    first, *rest = articles
    return [Article(slug=first.slug, title=first.title, section=first.section, aliases=first.aliases, text=words, updated=date.min), *rest]


@pytest.fixture
def directory(index_dir: Path, tmp_path: Path) -> Path:
    """A copy of the session's index, to be broken."""
    return Path(shutil.copytree(index_dir, tmp_path / "index"))


def current(directory: Path) -> Path:
    return directory / (directory / POINTER).read_text()


def test_what_exists_is_not_built_again(directory: Path, articles: list[Article]) -> None:
    said: list[str] = []
    before = (current(directory) / MANIFEST).stat().st_mtime_ns
    assert build(articles, directory, progress=said.append) == current(directory)
    assert said == [f"Index {current(directory).name} exists already: nothing to build."]
    assert (current(directory) / MANIFEST).stat().st_mtime_ns == before


def test_an_edit_is_served_without_a_restart_and_two_old_versions_stay(directory: Path, articles: list[Article]) -> None:
    search = Search(directory)
    first = current(directory)
    slug = articles[0].slug
    for edit in ("первая правка", "вторая правка", "третья правка"):
        build(edited(articles, f"{edit}: слово крякозябра."), directory, retune=False)
        article = search.article(slug)
        assert article is not None
        assert article.text.startswith(edit)
        assert search.search("крякозябра").hits[0].slug == slug
        assert search.index().read("крякозябру").changes == ()  # a new word is no slip, after no edit
    assert not first.exists()
    assert len([folder for folder in directory.iterdir() if folder.is_dir()]) == 3


def test_a_half_written_version_is_refused_and_the_last_good_one_serves(directory: Path) -> None:
    search = Search(directory)
    half = Path(shutil.copytree(current(directory), directory / "half"))
    (half / "passages.faiss").write_bytes(b"")
    (directory / "next").write_text("half")
    (directory / "next").replace(directory / POINTER)
    with pytest.raises(IndexRefused, match=r"half-written: passages\.faiss"):
        load(directory)
    assert search.search("забыл пароль").outcome == "answer"


def test_a_half_written_version_is_built_again(tmp_path: Path, articles: list[Article]) -> None:
    folder = build(articles[:8], tmp_path, tuned=False)
    (folder / "passages.faiss").write_bytes(b"")
    said: list[str] = []
    assert build(articles[:8], tmp_path, tuned=False, progress=said.append) == folder
    assert said[-1] == f"Index {folder.name} is ready."
    assert len(load(tmp_path)[0].articles) == 8


@pytest.mark.parametrize(("field", "value"), [("program", "of old"), ("inner", "another-1.0")])
def test_what_another_program_or_embedder_learnt_is_not_kept(directory: Path, articles: list[Article], field: str, value: str) -> None:
    manifest = current(directory) / MANIFEST
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), field: value}))
    said: list[str] = []
    build(edited(articles[:8], "Правка."), directory, retune=False, tuned=False, progress=said.append)
    assert said[0].startswith("Making the static embedder")
    assert len(load(directory)[0].articles) == 8


def test_vectors_that_do_not_fit_are_refused(directory: Path) -> None:
    faiss.write_index(faiss.index_factory(7, "Flat"), str(current(directory) / "passages.faiss"))
    manifest = current(directory) / MANIFEST
    described = json.loads(manifest.read_text())
    described["files"]["passages.faiss"] = (current(directory) / "passages.faiss").stat().st_size
    manifest.write_text(json.dumps(described))
    with pytest.raises(IndexRefused, match="other dimensions"):
        load(directory)


def test_another_format_is_refused(directory: Path) -> None:
    manifest = current(directory) / MANIFEST
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 999}))
    with pytest.raises(IndexRefused, match="format 999"):
        load(directory)


def test_another_embedder_is_refused(directory: Path) -> None:
    with pytest.raises(IndexRefused, match="embedder 'packaged'"):
        load(directory, "some/other-model")


def test_no_index_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(IndexRefused, match="there is no index"):
        Search(tmp_path)
    with pytest.raises(IndexRefused, match="no articles"):
        build([], tmp_path)


def test_the_static_folder_is_a_plain_sentence_transformers_model(directory: Path) -> None:
    texts = ["не приходит код подтверждения", "забыл пароль от портала"]
    ours = StaticEmbedder(current(directory) / MODEL).encode(texts)
    theirs = HubEmbedder(str(current(directory) / MODEL)).encode(texts)
    assert abs((ours * theirs).sum(axis=1) - 1).max() < 0.01


def test_a_build_is_reproducible(articles: list[Article], tmp_path: Path) -> None:
    folders = [build(articles[:8], tmp_path / name) for name in ("one", "two")]
    assert folders[0].name == folders[1].name
    for name in ("passages.faiss", "turn.npy", "arrays/part_rows.npy", f"{MODEL}/model.safetensors"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_any_sentence_transformers_model_serves(articles: list[Article], tmp_path: Path) -> None:
    model = make_tiny_model(tmp_path / "tiny", articles)
    build(articles[:8], tmp_path / "index", str(model))
    search = Search(tmp_path / "index", str(model))
    assert [search.search(article.title).hits[0].slug for article in articles[:8]] == [article.slug for article in articles[:8]]


def make_tiny_model(folder: Path, articles: list[Article]) -> Path:
    """A two-layer BERT with random weights and a WordPiece vocabulary of the articles' letters."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    bert: Any = import_module("transformers")  # resolves its classes lazily, out of mypy's sight
    torch.manual_seed(1)
    letters = sorted({letter for article in articles for letter in article.text.lower() if letter.isalnum()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    inner = folder.with_name("bert")
    inner.mkdir()
    (inner / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    bert.BertTokenizerFast(vocab=str(inner / "vocab.txt")).save_pretrained(inner)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    bert.BertModel(bert.BertConfig(vocab_size=len(vocabulary), **sizes)).save_pretrained(inner)
    transformer = Transformer(str(inner))
    SentenceTransformer(modules=[transformer, Pooling(32)], device="cpu").save(str(folder), create_model_card=False)
    return folder
