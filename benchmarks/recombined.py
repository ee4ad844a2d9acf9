"""As many articles as one wants: the shipped ones' sentences, each spliced from the beginning of one and the end of another.

What comes out is grammatical by halves only, but it has the words, lengths and frequencies of the shipped articles, and hardly a sentence
twice.
"""

import random
from collections.abc import Iterator
from datetime import date

from core.models import Article
from knowledge_base.passages import PASSAGE_WORDS, split_sentences

_SEED = 20


def recombine(shipped: list[Article], number: int, passages: int, aliases: int) -> Iterator[Article]:
    """``number`` articles that each fill ``passages`` passages and have ``aliases`` aliases; the same at each call."""
    chance = random.Random(_SEED)  # noqa: S311 - a shuffle, not a secret
    titles = [article.title for article in shipped]
    phrases = [alias for article in shipped for alias in article.aliases]
    sentences = [sentence for article in shipped for sentence in split_sentences(article.text)]
    for at in range(number):
        # The last passage is left half full, so that splicing cannot spill over into another.
        words = (passages - 1) * PASSAGE_WORDS + round(0.8 * PASSAGE_WORDS)
        text: list[str] = []
        while words > 0:
            text.append(_splice(sentences, chance))
            words -= len(text[-1].split())
        yield Article(
            slug=f"article-{at}",
            title=_splice(titles, chance),
            section="",
            aliases=[_splice(phrases, chance) for _ in range(aliases)],
            text="\n".join(text),
            updated=date.min,
        )


def _splice(texts: list[str], chance: random.Random) -> str:
    one, other = (chance.choice(texts).split() for _ in range(2))
    return " ".join([*one[: -(-len(one) // 2)], *other[len(other) // 2 :]])
