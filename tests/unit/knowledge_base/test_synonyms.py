"""Groups of words that mean the same to the search."""

from pathlib import Path

import pytest

from knowledge_base.synonyms import Synonyms, SynonymsError, read_synonyms
from knowledge_base.words import lemmas, tokens

SYNONYMS = Synonyms([["учётная запись", "акк", "учётка"], ["войти", "залогиниться", "зайти в кабинет"], ["кабинет", "лк"]])


def plain(text: str) -> str:
    return " ".join(SYNONYMS.in_plain_words(tokens(text), lemmas(text)))


def test_variants_become_what_articles_say() -> None:
    assert plain("как залогиниться в акк") == "как войти в учётная запись"


def test_the_longest_entry_counts() -> None:
    assert plain("не могу зайти в кабинет") == "не могу войти"


def test_all_of_a_group_have_one_term() -> None:
    assert SYNONYMS.terms(lemmas("учётные записи")) == SYNONYMS.terms(["акк"]) != []
    assert SYNONYMS.terms(lemmas("погода")) == []


def test_the_shipped_ones_are_sound() -> None:
    assert len(read_synonyms().groups) > 500


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("- [а, б]\n- [б, в]\n", "'б' stands in two groups"),
        ("- [а]\n", "two or more"),
        ("- а\n", "two or more"),
        ("- [а, 1]\n", "two or more"),
        ("- [а, '!']\n", "two or more"),
        ("- [а, б", "synonyms.yml"),
        ("а: б\n", "two or more"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, source: str, problem: str) -> None:
    file = tmp_path / "synonyms.yml"
    file.write_text(source, encoding="utf-8")
    with pytest.raises(SynonymsError, match=problem) as caught:
        read_synonyms(file)
    assert "\n" not in str(caught.value)
