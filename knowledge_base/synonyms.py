"""Words that mean the same to the search: an editable list of groups, the first of each being what articles say."""

from functools import lru_cache
from pathlib import Path

import yaml

from knowledge_base.words import lemmas, tokens

FILE = Path(__file__).with_name("synonyms.yml")
_MARK = "≈"  # no word contains it: a group's own term is told from a lemma


class SynonymsError(Exception):
    """The file of synonyms is broken; the text is one line that says where."""


class Synonyms:
    def __init__(self, groups: list[list[str]]) -> None:
        self.groups = groups
        self._group_of: dict[tuple[str, ...], int] = {}
        self.words: set[str] = set()
        for number, group in enumerate(groups):
            for entry in group:
                self.words.update(tokens(entry))
                self._group_of.setdefault(tuple(lemmas(entry)), number)
                self._group_of.setdefault(tuple(tokens(entry)), number)
        self._longest = max(map(len, self._group_of), default=0)

    def terms(self, words: list[str]) -> list[str]:
        """The groups that lemmas or tokens in this order belong to, as terms that lemmas cannot be mistaken for."""
        return [f"{_MARK}{number}" for _, _, number in self._found(words)]

    def in_plain_words(self, words: list[str], stems: list[str]) -> list[str]:
        """``words`` with each variant replaced by the canonical wording of its group; ``stems`` are their lemmas."""
        plain: list[str] = []
        at = 0
        for start, end, number in self._found(stems, words):
            plain += [*words[at:start], self.groups[number][0]]
            at = end
        return plain + words[at:]

    def _found(self, stems: list[str], words: list[str] | None = None) -> list[tuple[int, int, int]]:
        """Start, end and group of each match, the longest first, without overlaps."""
        found, at = [], 0
        while at < len(stems):
            for length in range(min(self._longest, len(stems) - at), 0, -1):
                number = self._group_of.get(tuple(stems[at : at + length]))
                if number is None and words is not None:
                    number = self._group_of.get(tuple(words[at : at + length]))
                if number is not None:
                    found.append((at, at + length, number))
                    at += length
                    break
            else:
                at += 1
        return found


@lru_cache(maxsize=4)
def read_synonyms(path: Path = FILE) -> Synonyms:
    """Raises SynonymsError for a file that is no list of groups, or in which an entry stands twice."""
    try:
        groups = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SynonymsError(f"{path}: {' '.join(str(error).split())}") from None
    seen: dict[tuple[str, ...], list[str]] = {}
    for group in groups if isinstance(groups, list) else [groups]:
        if not isinstance(group, list) or len(group) < 2 or not all(isinstance(entry, str) and tokens(entry) for entry in group):
            raise SynonymsError(f"{path}: each group is a list of two or more texts (quote numbers); this is not: {group!r}")
        for entry in group:
            if seen.setdefault(tuple(tokens(entry)), group) is not group:
                raise SynonymsError(f"{path}: {entry!r} stands in two groups")
    return Synonyms(groups)
