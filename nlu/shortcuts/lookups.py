"""What Rasa finds anew at each turn and is always the same: whether the domain is empty, an event's class, an action by its name."""

from functools import lru_cache
from typing import Any, Dict, Optional, Tuple

import rasa.core.actions.action
from rasa.core.actions.action import Action, action_for_name_or_text
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.utils.endpoints import EndpointConfig

_is_empty_as_rasa_finds = Domain.is_empty


def _is_empty(self: Domain) -> bool:
    known: Dict[str, bool] = vars(self)
    if "known_empty" not in known:
        known["known_empty"] = _is_empty_as_rasa_finds(self)
    return known["known_empty"]


def _action_for_name_or_text(name: str, domain: Domain, endpoint: Optional[EndpointConfig]) -> Action:
    """What an action keeps is its name and, where it calls, its endpoint: nothing of a turn."""
    known: Dict[Tuple[str, int], Any] = vars(domain).setdefault("known_actions", {})
    if (name, id(endpoint)) not in known:
        known[name, id(endpoint)] = action_for_name_or_text(name, domain, endpoint)
    return known[name, id(endpoint)]


REPLACED = (
    (Domain, "is_empty", _is_empty),
    (Event, "resolve_by_type", staticmethod(lru_cache(maxsize=None)(Event.resolve_by_type))),
    (rasa.core.actions.action, "action_for_name_or_text", _action_for_name_or_text),
)
