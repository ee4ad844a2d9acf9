"""A stock Rasa project that knows what our desk knows: each shipped article is an FAQ, each kind of small talk a rule.

Configuration and credentials lie beside this file; domain and training data are made from our own, so that both answer the same questions.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from benchmarks.blind import shipped_articles
from benchmarks.measuring import RASA_ENVIRONMENT, ROOT

_FOLDER = Path(__file__).parent
_MODEL = "stock.tar.gz"
_TRAINING_SECONDS = 3600
# What `rasa init` knows too, with what it says to it.
SMALL_TALK = {
    "greet": "Здравствуйте! Чем помочь?",
    "goodbye": "До свидания!",
    "thank": "Пожалуйста!",
    "affirm": "Хорошо.",
    "deny": "Хорошо, не будем.",
    "bot_challenge": "Я бот на Rasa.",
}


def trained(folder: Path, epochs: int) -> Path:
    """The project in a folder of ``folder`` that is named after its contents, with a model, which is trained when there is none yet."""
    files = _files(epochs)
    digest = hashlib.sha256("".join(files.values()).encode()).hexdigest()[:12]
    project = folder / digest
    if not (project / "models" / _MODEL).is_file():
        shutil.rmtree(project, ignore_errors=True)
        for name, text in files.items():
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        print("Training the stock model, once: it takes some minutes …", file=sys.stderr, flush=True)
        command = [str(ROOT / ".venv-rasa/bin/rasa"), "train", "--quiet", "--fixed-model-name", _MODEL.partition(".")[0]]
        with (project / "training.log").open("wb") as log:
            subprocess.run(
                command, cwd=project, env={**os.environ, **RASA_ENVIRONMENT}, stdout=log, stderr=log, timeout=_TRAINING_SECONDS, check=True
            )
    return project


def _files(epochs: int) -> dict[str, str]:
    articles = shipped_articles()
    responses: dict[str, Any] = {
        f"utter_faq/{article.slug}": [{"text": f"{article.title}\n\n{article.text}".replace("{", "(").replace("}", ")")}]
        for article in articles
    }
    responses |= {f"utter_{intent}": [{"text": text}] for intent, text in SMALL_TALK.items()}
    responses["utter_please_rephrase"] = [{"text": "Не понимаю вас. Скажите, пожалуйста, иначе."}]
    domain = {"intents": [*SMALL_TALK, "faq"], "responses": responses}
    examples = [(f"faq/{article.slug}", [article.title, *article.aliases]) for article in articles]
    examples += [(intent, _our_examples(intent)) for intent in SMALL_TALK]
    answers = {**{intent: f"utter_{intent}" for intent in SMALL_TALK}, "faq": "utter_faq", "nlu_fallback": "utter_please_rephrase"}
    rules = [{"rule": intent, "steps": [{"intent": intent}, {"action": action}]} for intent, action in answers.items()]
    # TED and UnexpecTED learn from stories: a few, as in the project that `rasa init` makes.
    stories = [_story("greet", "faq", "thank", "goodbye"), _story("greet", "bot_challenge", "faq", "deny"), _story("faq", "faq", "affirm")]
    return {
        "config.yml": (_FOLDER / "config.yml").read_text(encoding="utf-8").replace("epochs: 100", f"epochs: {epochs}"),
        "credentials.yml": (_FOLDER / "credentials.yml").read_text(encoding="utf-8"),
        "domain.yml": _in_yaml(domain),
        "data/nlu.yml": _in_yaml({"nlu": [{"intent": name, "examples": _as_list(texts)} for name, texts in examples]}),
        "data/rules.yml": _in_yaml({"rules": rules}),
        "data/stories.yml": _in_yaml({"stories": stories}),
    }


def _story(*intents: str) -> dict[str, Any]:
    return {
        "story": " ".join(intents),
        "steps": [step for intent in intents for step in ({"intent": intent}, {"action": f"utter_{intent}"})],
    }


def _our_examples(intent: str) -> list[str]:
    path = ROOT / "nlu" / "data" / "intents" / f"{intent}.yml"
    (found,) = yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]
    return [line.removeprefix("- ") for line in found["examples"].splitlines()]


def _as_list(texts: list[str]) -> str:
    return "".join(f"- {' '.join(text.split())}\n" for text in texts)


def _in_yaml(content: dict[str, Any]) -> str:
    return yaml.safe_dump({"version": "3.1", **content}, allow_unicode=True, sort_keys=False, width=10_000)
