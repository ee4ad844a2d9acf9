"""What the index learns from the articles' own words: the static embedder, and the matrix that turns the sentence embedder.

The static embedder is Navec's word vectors, weighted by rarity and tuned; the result is a plain sentence-transformers model folder.
Same articles and same code give the same bytes.
"""

import hashlib
import importlib.util
import random
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from navec import Navec

from knowledge_base.embedder import unit
from knowledge_base.lexical import Floats
from knowledge_base.passages import Texts
from knowledge_base.words import forms, lemmas, normalise, tokens

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SEED = 20

# The matrix: how strongly it is held to the identity, measured from 0.3 to 3.
_TURN_STEPS, _TURN_BATCH, _TURN_RATE, _TURN_PENALTY = 100, 192, 1e-3, 0.2
_SCALE = 20.0  # of cosines in the loss, as in sentence-transformers
_FEWEST_TO_TURN = 20  # articles
DIMENSIONS = 300
COMMON_WORDS = 40_000  # of Navec's 250,000 forms, by frequency; the articles' own words come on top
SIF = 1e-3  # a word of probability p weighs SIF / (SIF + p)
STEPS = 100
BATCH = 256  # pairs, each of another article
LEARNING_RATE = 0.01
_AROUND, _MOST_SENTENCES = 4, 50  # sentences before and after one; of an article
_UNKNOWN = "[UNK]"

Pair = tuple[str, str]


def fingerprint(texts: list[Texts], tuned: bool) -> str:
    """What the embedder's bytes follow from: the articles' texts and this module's own source."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for part in (tuned, *texts):
        digest.update(repr(part).encode())
    return digest.hexdigest()[:12]


def make(texts: list[Texts], folder: Path, tuned: bool = True) -> None:
    """Writes the model folder (about 30 MB of float16). Imports torch: run it in a builder, not where the desk serves."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    words, table = _table(texts)
    embedding = StaticEmbedding(_tokenizer(words), embedding_weights=table)
    model = SentenceTransformer(modules=[embedding, Normalize()], device="cpu")
    if tuned:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # sums in one order: reproducible, and no slower for so small a model
        try:
            _tune(model, embedding, [text for text in texts if _number_of_pairs(text)])
        finally:
            torch.set_num_threads(threads)
    embedding.embedding = torch.nn.EmbeddingBag.from_pretrained(embedding.embedding.weight.detach().half())
    model.save(str(folder), create_model_card=False)
    (folder / "fingerprint").write_text(fingerprint(texts, tuned), encoding="utf-8")


def _table(texts: list[Texts]) -> tuple[list[str], Floats]:
    """Words and their rows, weighted by SIF × IDF; row 0 is the unknown word's, zeros."""
    navec = _navec()
    counts = np.asarray(navec.vocab.counts, dtype=np.float64)
    probability = counts / counts.sum()
    documents = [set(lemmas(" ".join(text.parts))) for text in texts]
    frequency: dict[str, int] = {}
    for document in documents:
        for word in document:
            frequency[word] = frequency.get(word, 0) + 1

    own = {word for text in texts for part in (*text.phrases, *text.sentences) for word in tokens(part)}
    # Words that are often asked for lie together, so that of a mapped table few pages are read.
    words = sorted(own) + [word for word in dict.fromkeys(islice(_by_frequency(navec), COMMON_WORDS)) if word not in own]
    table = np.zeros((len(words) + 1, DIMENSIONS), dtype=np.float32)
    for at, word in enumerate(words, 1):
        row = next((navec.vocab[form] for form in forms(word) if form in navec.vocab), None)
        vector = _made_up(word) if row is None else navec.pq[row]
        rarity = 1.0 if row is None else SIF / (SIF + probability[row])
        idf = np.log1p(len(texts) / (1 + frequency.get(lemmas(word)[0], 0)))
        table[at] = unit(vector[None, :])[0] * rarity * idf
    return [_UNKNOWN, *words], table


def _navec() -> Any:
    package = importlib.util.find_spec("natasha")  # found, not imported: its __init__ loads far more than the vectors
    if package is None or package.origin is None:
        raise ModuleNotFoundError("natasha, which carries the word vectors, is not installed")
    return Navec.load(Path(package.origin).parent / "data" / "emb" / "navec_news_v1_1B_250K_300d_100q.tar")


def common_words() -> list[str]:
    """The commonest words of the language, normalised, the most frequent first."""
    return list(islice(_by_frequency(_navec()), COMMON_WORDS))


def _by_frequency(navec: Any) -> Iterator[str]:
    order = np.argsort(-np.asarray(navec.vocab.counts), kind="stable")
    return (word for word in (normalise(navec.vocab.words[row]) for row in order) if tokens(word) == [word])


def _made_up(word: str) -> Floats:
    """A word of the articles without a vector gets a random direction of its own, always the same."""
    return np.random.default_rng(zlib.crc32(word.encode())).normal(size=DIMENSIONS).astype(np.float32)


def _tokenizer(words: list[str]) -> Any:
    """Splits as lexical.tokens does, so that the folder gives the same vectors under sentence-transformers itself."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({word: row for row, word in enumerate(words)}, unk_token=_UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace("ё", "е")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("[^а-яa-z0-9]+"), "removed")
    return tokenizer


def _pair(text: Texts, chance: random.Random) -> Pair:
    """Two texts on the same matter: a phrase and another or a sentence, or a sentence and those around it."""
    others = [*text.phrases, *text.sentences]
    at = chance.randrange(_number_of_pairs(text))
    if at < len(text.phrases) * (len(others) - 1):
        one, other = divmod(at, len(others) - 1)
        return others[one], others[other + (other >= one)]
    at -= len(text.phrases) * (len(others) - 1)
    return text.sentences[at], " ".join(text.sentences[max(0, at - _AROUND) : at] + text.sentences[at + 1 : at + 1 + _AROUND])


def _number_of_pairs(text: Texts) -> int:
    crossed = len(text.phrases) * (len(text.phrases) + len(text.sentences) - 1)
    return crossed + (min(len(text.sentences), _MOST_SENTENCES) if len(text.sentences) > 1 else 0)


def _tune(model: "SentenceTransformer", embedding: Any, texts: list[Texts]) -> None:
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    torch.manual_seed(SEED)
    chance = random.Random(SEED)  # noqa: S311 - a shuffle, not a secret
    embedding.embedding.sparse = True
    loss = MultipleNegativesRankingLoss(model, scale=_SCALE)
    optimiser: Any = torch.optim.SparseAdam(list(model.parameters()), lr=LEARNING_RATE)
    if len(texts) < 2:  # no negatives
        return
    for _ in range(STEPS):
        pairs = [_pair(text, chance) for text in chance.sample(texts, min(BATCH, len(texts)))]
        features = [embedding.preprocess([pair[side] for pair in pairs]) for side in (0, 1)]
        optimiser.zero_grad()
        loss(features, torch.empty(0)).backward()
        optimiser.step()


def turn(parts: list[Floats], wholes: list[Floats]) -> Floats:
    """A matrix, shape (dimensions, dimensions), that brings vectors of one article together and apart from others'.

    parts: of each article's phrases and sentences, shape (number, dimensions). wholes: of its passages. Learnt with the same loss as the
    static embedder, from pairs of a part with another part and the whole; the identity for too few articles. Imports torch.
    """
    import torch
    from torch.nn.functional import cross_entropy, normalize

    dimensions = parts[0].shape[1]
    if len(parts) < _FEWEST_TO_TURN:
        return np.eye(dimensions, dtype=np.float32)
    torch.manual_seed(SEED)
    chance = random.Random(SEED)  # noqa: S311 - a shuffle, not a secret
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order: reproducible
    try:
        change = torch.zeros(dimensions, dimensions, requires_grad=True)
        optimiser = torch.optim.Adam([change], lr=_TURN_RATE)
        for _ in range(_TURN_STEPS):
            chosen = chance.sample(range(len(parts)), min(_TURN_BATCH, len(parts)))
            pairs = [_part_and_rest(parts[at], wholes[at], chance) for at in chosen]
            one, other = (torch.from_numpy(np.stack(side)) for side in zip(*pairs, strict=True))
            one, other = normalize(one + one @ change, dim=1), normalize(other + other @ change, dim=1)
            loss: Any = cross_entropy(_SCALE * one @ other.T, torch.arange(len(chosen))) + _TURN_PENALTY * (change**2).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    finally:
        torch.set_num_threads(threads)
    return np.asarray(np.eye(dimensions) + change.detach().numpy(), dtype=np.float32)


def _part_and_rest(parts: Floats, wholes: Floats, chance: random.Random) -> tuple[Floats, Floats]:
    at = chance.randrange(len(parts))
    another = (at + chance.randrange(1, len(parts))) % len(parts) if len(parts) > 1 else at
    return parts[at], np.asarray((parts[another] + wholes[chance.randrange(len(wholes))]) / 2, dtype=np.float32)
