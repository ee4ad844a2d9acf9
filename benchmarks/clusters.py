"""How long questions take to be grouped: ``python benchmarks/clusters.py [INDEX]``. Seconds of this process, and the memory on top.

The texts are the articles' aliases and the questions of tests/data/unanswered.yml, wrapped in courtesies, with one slip each.
"""

import itertools
import resource
import sys
import time
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.settings import read_settings
from knowledge_base.articles import read_folder
from knowledge_base.clusters import MOST, cluster
from knowledge_base.versions import load

_TARGET = 2.0  # seconds
_WRAPPINGS = ("{}", "{}?", "здравствуйте, {}", "подскажите {} заранее спасибо", "{} уже третий день", "не пойму {}", "{} что делать")
_LETTERS = list("абвгдеиклмнопрст")


def main() -> None:
    settings = read_settings()
    index, _ = load(Path(sys.argv[1]) if len(sys.argv) > 1 else settings.index_dir, settings.embedder_model)
    unanswered = yaml.safe_load((ROOT / "tests/data/unanswered.yml").read_text(encoding="utf-8"))
    own = [alias for article in read_folder(settings.articles_dir) for alias in (article.title, *article.aliases)]
    pool = [*itertools.chain(*unanswered["groups"]), *unanswered["single"], *own]
    random = np.random.default_rng(20)
    texts = [with_slip(_WRAPPINGS[random.integers(len(_WRAPPINGS))].format(random.choice(pool)), random) for _ in range(MOST)]
    titles = [article.title for article in index.articles]
    cluster(texts[:100], index.static, titles)  # loads dictionaries
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for words in ("words never seen before", "words known"):
        began = time.process_time()
        found = cluster(texts, index.static, titles)
        seconds = time.process_time() - began
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) // 1024
        print(f"{len(texts)} texts, {words}: {seconds:.2f} s (target {_TARGET}), {more} MB more, {len(found)} groups")


def with_slip(text: str, random: np.random.Generator) -> str:
    place = int(random.integers(len(text)))
    return text[:place] + str(random.choice(_LETTERS)) + text[place + 1 :]


if __name__ == "__main__":
    main()
