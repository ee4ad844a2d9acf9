"""What the dialogue says: every message annotated, every button leading somewhere, a person always one button away."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.appeal_form import FIELDS
from actions.appeal_status import ValidateStatusForm
from actions.buttons import OPERATOR, article_button
from actions.expedite import ValidateExpediteForm
from actions.higher_instance import ValidateHigherForm
from actions.known_appeal import KnownAppealForm
from actions.repeat_appeal import ValidateRepeatForm
from bot.dialogue_engine import parse_reply
from core.facts import NAMES, PLACEHOLDER

ROOT = Path(__file__).resolve().parents[3]
DOMAIN = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
ACTIONS = {name for action in DOMAIN["actions"] for name in ([action] if isinstance(action, str) else action)}
RULES = yaml.safe_load((ROOT / "nlu" / "data" / "rules.yml").read_text(encoding="utf-8"))["rules"]
KINDS = {"smalltalk", "suggestions", "no_answer", "offer", "apology", "form", "notice"}
BUILT_BY_ACTIONS = {  # their buttons are the actions'
    "utter_suggestions",
    "utter_other_suggestions",
    "utter_ask_field_to_correct",
    *(f"utter_ask_{form}_form_appeal_number" for form in ("status", "repeat", "expedite", "higher")),
    *(f"utter_ask_{form}_form_reason" for form in ("expedite", "higher")),
}
FILLED_BY_ACTIONS = {
    "utter_ask_screenshots_more": "{count}",
    "utter_ask_full_name_again": "{name}",
    "utter_ask_confirmation": "{summary}",
    "utter_review_appeal": "{summary}",
    "utter_screenshot_unknown": "{error}",
    "utter_explain_erase": "{appeals}",
    "utter_explain_withdraw_consent": "{appeals}",
}


def variants() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, texts in DOMAIN["responses"].items():
        for variant in texts:
            if name != "utter_default":  # it says nothing: see test_no_rule_is_a_failure
                yield name, variant


def test_every_variant_is_annotated_and_offers_a_person() -> None:
    for name, variant in variants():
        assert variant["custom"]["kind"] in KINDS, name
        assert name in BUILT_BY_ACTIONS or dict(OPERATOR) in variant["buttons"], name


def test_no_rule_is_a_failure() -> None:
    [variant] = DOMAIN["responses"]["utter_default"]
    assert parse_reply([{"text": "Здравствуйте"}, variant]) == ()


def test_words_are_calm_and_their_facts_are_known() -> None:
    for name, variant in variants():
        assert "!" not in variant["text"], name
        assert set(PLACEHOLDER.findall(variant["text"])) <= NAMES, name
        assert not re.search(r"[{}]", variant["text"].replace(FILLED_BY_ACTIONS.get(name, "\0"), "")), name


def test_every_field_of_the_form_is_asked_for_under_its_name() -> None:
    for field in (*FIELDS, "field_to_correct"):
        assert field in DOMAIN["slots"]
        variants_of = DOMAIN["responses"][f"utter_ask_{field}"]
        assert {variant["custom"]["expects"] for variant in variants_of} == {field}


@pytest.mark.parametrize("form", [ValidateStatusForm, ValidateRepeatForm, ValidateExpediteForm, ValidateHigherForm])
def test_every_field_about_an_appeal_that_is_there_is_asked_for(form: type[KnownAppealForm]) -> None:
    known = {*ACTIONS, *DOMAIN["responses"]}
    for field in {"appeal_number", "access_code", *form.fields} - {"first_date"}:  # the date is told in place of the number
        names = [f"{kind}_ask_{middle}{field}" for kind in ("action", "utter") for middle in (f"{form.form}_", "")]
        assert known.intersection(names), (form.form, field)
        assert field in DOMAIN["slots"]
    assert {f"utter_{way}_{form.form}" for way in ("cancel", "start_over")} <= known
    assert {f"action_begin_{form.form}", f"action_end_{form.form}", f"validate_{form.form}"} <= known


def test_article_buttons_lead_to_articles_and_are_escaped_from_rasa() -> None:
    slugs = []
    for _, variant in variants():
        for button in variant.get("buttons", []):
            if button["payload"].startswith("/ask_question"):
                slug = re.findall(r'"article": "(.+?)"', button["payload"])[0]
                assert button["payload"].replace("{{", "{").replace("}}", "}") == article_button(slug, "")["payload"]
                assert "{{" in button["payload"]
                slugs.append(slug)
    assert slugs
    assert [slug for slug in slugs if not (ROOT / "knowledge_base" / "articles" / f"{slug}.md").is_file()] == []


def test_every_intent_has_a_rule_and_every_step_exists() -> None:
    steps = [step for rule in RULES for step in rule["steps"]]
    covered = [inner["intent"] for step in steps for inner in step.get("or", [step]) if "intent" in inner]
    intents = [next(iter(intent)) if isinstance(intent, dict) else intent for intent in DOMAIN["intents"]]
    assert sorted(covered) == sorted([*intents, "nlu_fallback"])
    assert {step["action"] for step in steps if "action" in step} <= {*ACTIONS, *DOMAIN["responses"], *DOMAIN["forms"]}


@pytest.mark.parametrize("value", ["citizen_asked", "nothing"])
def test_an_old_offer_is_reset_by_every_turn_that_makes_another(value: str) -> None:
    mappings = DOMAIN["slots"]["offered"]["mappings"]
    assert sum(mapping.get("value") == value for mapping in mappings) == 1
    assert not any({"affirm", "deny"} & set(mapping.get("intent") or []) for mapping in mappings)
