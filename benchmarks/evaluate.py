"""How well the desk understands: ``python benchmarks/evaluate.py [--out FOLDER] [intents | folds | slots | search | flows …]``.

Writes report.html, which needs nothing but itself, report.md with its pictures, and report.json, from which the parts that are not chosen
are taken over. Without parts, all are measured; `make evaluate` trains the model first.
"""

import argparse
import base64
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from jinja2 import Environment, FileSystemLoader, select_autoescape

from benchmarks.blind import write_task
from benchmarks.report import flows, intents, slots
from core.settings import read_settings
from knowledge_base.evaluate import evaluate

_BLIND = ROOT / "tests" / "data" / "blind"
_TITLES = {"intents": "Intents, phrasings written blind", "folds": f"Intents, {intents.FOLDS}-fold on the training data"}

Part = dict[str, Any]


def measure_intents() -> Part:
    return intents.on_blind(read_settings().rasa_model, _BLIND / "intents.yml")


def measure_slots() -> Part:
    return slots.on_blind(_BLIND / "slots.yml")


def measure_search() -> Part:
    with TemporaryDirectory(prefix="otklik-evaluate-") as place:
        write_task(Path(place))
        return {**evaluate(Path(place), progress=_say)}


PARTS: dict[str, Callable[[], Part]] = {
    "intents": measure_intents,
    "folds": intents.by_folds,
    "slots": measure_slots,
    "search": measure_search,
    "flows": flows.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; without, all")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "report", help="the report's folder")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]}; choose from {', '.join(PARTS)}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    kept = arguments.out / "report.json"
    report: dict[str, Part] = json.loads(kept.read_text(encoding="utf-8")) if arguments.parts and kept.exists() else {}
    chosen = arguments.parts or list(PARTS)
    for number, name in enumerate(chosen, 1):
        _say(f"[{number}/{len(chosen)}] {name} …")
        begun = time.monotonic()
        report[name] = {**PARTS[name](), "at": time.strftime("%Y-%m-%d %H:%M"), "commit": _commit()}
        _say(f"[{number}/{len(chosen)}] {name}: done in {time.monotonic() - begun:.0f} s")
        kept.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    write({name: report[name] for name in PARTS if name in report}, arguments.out)
    print(f"Written to {arguments.out}: report.html, report.md")


def write(report: dict[str, Part], out: Path) -> None:
    """The pages, and the pictures beside them."""
    from benchmarks.report.picture import draw

    pictures = {}
    for name, title in _TITLES.items():
        if name in report:
            picture = draw(report[name]["names"], report[name]["matrix"], title)
            (out / f"{name}.png").write_bytes(picture)
            pictures[name] = base64.b64encode(picture).decode("ascii")
    loader = FileSystemLoader(Path(__file__).parent / "report")
    templates = Environment(loader=loader, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
    templates.filters["percent"] = lambda share: f"{share * 100:.1f} %"
    templates.filters["cell"] = lambda text: str(text).replace("|", "\\|").replace("\n", " ")
    for page, file in (("page.html", "report.html"), ("page.md", "report.md")):
        text = templates.get_template(page).render(report=report, titles=_TITLES, pictures=pictures)
        (out / file).write_text(text, encoding="utf-8")


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "?"
    told = subprocess.run([git, "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False)
    return told.stdout.strip() or "?"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
