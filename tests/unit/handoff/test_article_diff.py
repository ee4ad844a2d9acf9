"""What differs between two revisions, in the words that stay and those that do not."""

from dataclasses import replace
from difflib import SequenceMatcher

import pytest

from handoff import article_diff
from handoff.article_diff import Change, difference
from knowledge_base.content import Content

BEFORE = Content("Как сменить пароль", "account", "Раз.\n\nОткройте профиль и нажмите «Сменить».\n1\n2\n3\n4\n5", ("а", "б"))


def told(change: Change) -> list[str]:
    """``+ added``, ``- removed``; what changed within a line stands in braces."""
    signs = {"same": " ", "removed": "-", "added": "+", "skipped": "…"}
    words = ["".join(f"{{{part.text}}}" if part.marked else part.text for part in line.parts) for line in change.lines]
    return [f"{signs[line.kind]} {text}".rstrip() for line, text in zip(change.lines, words, strict=True)]


def test_equal_contents() -> None:
    assert difference(BEFORE, BEFORE) == []


def test_words_within_a_line_and_lines_around() -> None:
    after = replace(BEFORE, text="Раз.\n\nОткройте кабинет и нажмите «Сменить».\n1\n2\n3\n4\n5\n6")
    (change,) = difference(BEFORE, after)
    assert change.name == "Текст"
    assert told(change) == [
        "  Раз.",
        "",
        "- Откройте {профиль} и нажмите «Сменить».",
        "+ Откройте {кабинет} и нажмите «Сменить».",
        "  1",
        "  2",
        "…",
        "  4",
        "  5",
        "+ 6",
    ]


def test_white_space_around_words_is_not_marked() -> None:
    (change,) = difference(replace(BEFORE, text="Позвоните дежурному."), replace(BEFORE, text="Позвоните старшему дежурному."))
    assert told(change) == ["- Позвоните дежурному.", "+ Позвоните {старшему} дежурному."]


def test_lines_that_share_little_are_told_whole() -> None:
    (change,) = difference(replace(BEFORE, text="Откройте профиль."), replace(BEFORE, text="Подождите две минуты, код придёт."))
    assert told(change) == ["- Откройте профиль.", "+ Подождите две минуты, код придёт."]


def test_each_field() -> None:
    after = replace(BEFORE, title="Как сменить пароль?", section="payments", published=False, aliases=("б", "в"), related=("code",))
    assert {change.name: told(change) for change in difference(BEFORE, after)} == {
        "Название": ["- Как сменить пароль", "+ Как сменить пароль{?}"],
        "Раздел": ["- Вход и учётная запись", "+ Платежи и штрафы"],
        "Публикация": ["- опубликована", "+ черновик"],
        "Как об этом спрашивают": ["- а", "  б", "+ в"],
        "Связанные статьи": ["+ code"],
    }


def test_a_huge_line_is_not_compared_by_words() -> None:
    (change,) = difference(replace(BEFORE, text="а б " * 5000), replace(BEFORE, text="б а " * 5000))
    assert [line.kind for line in change.lines] == ["removed", "added"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n".join(["а б " * 500] * 5), "\n".join(["б в а " * 333] * 5)),
        ("\n".join(["а б " * 60] * 40), "\n".join(["б в а " * 40] * 40)),
        ("- да\n" * 4000, "- да\n" * 3999 + "- нет"),
        ("- да\n- нет\n" * 1500, "- нет\n- да\n- нет\n" * 1000),
        ("\n".join("абв"[n * n % 7 % 3] for n in range(600)), "\n".join("вба"[n * n % 11 % 3] for n in range(600))),
    ],
)
def test_texts_made_to_be_slow_are_compared_in_few_steps(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    looks: list[int] = []

    class Counted(SequenceMatcher[str]):
        def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> object:  # type: ignore[override]
            looks.append(((ahi or 0) - alo) * ((bhi or 0) - blo))
            return super().find_longest_match(alo, ahi, blo, bhi)

    monkeypatch.setattr(article_diff, "SequenceMatcher", Counted)
    (change,) = difference(replace(BEFORE, text=old), replace(BEFORE, text=new))
    assert {"removed", "added"} <= {line.kind for line in change.lines}
    assert sum(looks) < 20_000_000


def test_a_small_change_in_a_huge_text_is_told_as_such() -> None:
    lines = ["- да"] * 4000
    (change,) = difference(replace(BEFORE, text="\n".join(lines)), replace(BEFORE, text="\n".join([*lines[:2000], "- нет", *lines[2000:]])))
    assert told(change) == ["…", "  - да", "  - да", "+ - нет", "  - да", "  - да", "…"]
