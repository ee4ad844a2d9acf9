"""Calls of the action server: what is sent, and how the reply is checked.

``jsonschema.validate`` builds its validator and checks Rasa's own schema anew at every reply, and then holds each event beside all 23 kinds
of events. Here the schema, which never changes, is prepared once, by kind: the name of an event says which one it must be. A reply that
does not fit is handed to Rasa's own method, which raises its own error.

The domain, which no action of ours reads, stays here (``enable_selective_domain`` in endpoints.yml); rasa-sdk 3.21 wants an empty one
instead. Of the events those of the turn are sent: the slots tell what became of the others, and rasa-sdk copies each deeply.
"""

from functools import lru_cache
from typing import Any, Dict, List, Tuple

from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.version import __version__ as rasas_version

_check_as_rasa_does = RemoteAction._validate_action_result
_call_as_rasa_does = RemoteAction._action_call_format


@lru_cache(maxsize=1)
def reply_validators() -> Tuple[Validator, Dict[str, Validator]]:
    """Of a reply but for its events, and of each kind of event."""
    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    event = schema["properties"]["events"]["items"]
    events = {}
    for one in event["oneOf"]:
        properties = {**event["properties"], **one["properties"]}
        one = {"type": event["type"], "properties": properties, "required": [*event["required"], *one.get("required", ())]}
        events[properties["event"]["const"]] = kind(one)
    reply = {**schema, "properties": {**schema["properties"], "events": {"type": "array"}}}
    return kind(reply), events


def _fits(result: Any) -> bool:
    reply, kinds = reply_validators()
    return bool(reply.is_valid(result)) and all(
        isinstance(event, dict) and (kind := kinds.get(str(event.get("event")))) and kind.is_valid(event)
        for event in result.get("events", ())
    )


def _validate_action_result(self: RemoteAction, result: Dict[str, Any]) -> bool:
    return _fits(result) or bool(_check_as_rasa_does(self, result))


def _action_call_format(self: RemoteAction, tracker: DialogueStateTracker, domain: Domain) -> Dict[str, Any]:
    if domain.does_custom_action_explicitly_need_domain(self.name()) or not self._is_selective_domain_enabled():
        return _call_as_rasa_does(self, tracker, domain)  # type: ignore[no-any-return]
    return {
        "next_action": self.name(),
        "sender_id": tracker.sender_id,
        "tracker": {**tracker.current_state(), "events": [event.as_dict() for event in _of_this_turn(tracker)]},
        "version": rasas_version,
        "domain": {},
    }


def _of_this_turn(tracker: DialogueStateTracker) -> List[Event]:
    """The latest message and what came after it."""
    turn: List[Event] = []
    for event in reversed(tracker.events):
        turn.append(event)
        if isinstance(event, UserUttered):
            break
    return turn[::-1]


REPLACED = (
    (RemoteAction, "_validate_action_result", _validate_action_result),
    (RemoteAction, "_action_call_format", _action_call_format),
)
