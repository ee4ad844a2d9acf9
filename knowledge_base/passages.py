"""How an article is cut into the texts that search finds."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a search needs none of the database's classes
    from core.models import Article

PASSAGE_WORDS = 200  # long enough to hold a question's words together, short enough not to hold everything
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")
_LIST_MARK = re.compile(r"^\s*(?:\d+\.|[-–—•])\s+")
_MIN_WORDS = 3
_MAX_WORDS = 60  # a "sentence" without stops is cut here
_HEAD_WEIGHT = 2  # how often title and aliases count in a passage's words


@dataclass(frozen=True)
class Texts:
    """One article as search sees it.

    phrases: its title and aliases. sentences: of its body. stretches: of the body, at most PASSAGE_WORDS each, together the whole of it;
    at least one. A passage is a stretch under the article's head.
    """

    phrases: list[str]
    sentences: list[str]
    stretches: list[str]

    @property
    def parts(self) -> list[str]:
        """What a question may be a paraphrase of; never empty."""
        return [*self.phrases, *self.sentences] or [""]

    @property
    def lexical_passages(self) -> list[str]:
        """Whose words are counted: those of the head more."""
        head = " ".join(self.phrases)
        return [" ".join([head] * _HEAD_WEIGHT + [stretch]) for stretch in self.stretches]

    @property
    def readable_passages(self) -> list[str]:
        """What an encoder reads: the title and the stretch."""
        return [". ".join([*self.phrases[:1], stretch]) for stretch in self.stretches]


def without_sentences(texts: list[Texts]) -> list[Texts]:
    """Of very many: their sentences are neither encoded nor kept, a kilobyte each; passages stand for them."""
    return [Texts(text.phrases, [], text.stretches) for text in texts]


def cut(article: "Article") -> Texts:
    phrases = [phrase for phrase in (article.title, *article.aliases) if phrase.strip()]
    sentences = split_sentences(article.text)
    return Texts(phrases, sentences, _stretches(sentences))


def split_sentences(text: str) -> list[str]:
    """Sentences and list items; one shorter than three words joins its predecessor, one without end is cut."""
    sentences: list[str] = []
    joined = 0  # words of the last sentence
    for part in _SENTENCE_END.split(text):
        words = _LIST_MARK.sub("", part).split()
        if not words:
            continue
        if len(words) < _MIN_WORDS and sentences and joined < _MAX_WORDS:
            sentences[-1] += " " + " ".join(words)
            joined += len(words)
        else:
            joined = len(words)
            sentences += [" ".join(words[at : at + _MAX_WORDS]) for at in range(0, len(words), _MAX_WORDS)]
    return sentences


def _stretches(sentences: list[str]) -> list[str]:
    stretches: list[list[str]] = [[]]
    words = 0
    for sentence in sentences:
        length = len(sentence.split())
        if words and words + length > PASSAGE_WORDS:
            stretches.append([])
            words = 0
        stretches[-1].append(sentence)
        words += length
    return [" ".join(stretch) for stretch in stretches]
