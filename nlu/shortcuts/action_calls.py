"""Calls of the action server: what is sent, and how the reply is checked.

``jsonschema.validate`` builds its validator and checks Rasa's own schema anew at every reply, and then holds each event beside all 23 kinds
of events. Here the name of an event says which kind it must be, and what the schema asks of that one, types and names for the most part, is
looked at directly. A reply that does not fit, or of which the schema asks more, is handed to Rasa's own method, which raises its own error.

The domain, which no action of ours reads, stays here (``enable_selective_domain`` in endpoints.yml); rasa-sdk 3.21 wants an empty one
instead. Of the events those of the turn are sent: the slots tell what became of the others, and rasa-sdk copies each deeply.
"""

from functools import lru_cache
from typing import Any, Dict, List, Tuple

from rasa.core.actions.action import RemoteAction
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.version import __version__ as rasas_version

_check_as_rasa_does = RemoteAction._validate_action_result
_call_as_rasa_does = RemoteAction._action_call_format

Schema = Dict[str, Any]
_TYPES: Dict[str, Tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


@lru_cache(maxsize=1)
def reply_schemas() -> Tuple[Schema, Dict[str, Schema]]:
    """Of a reply but for its events, and of each kind of event."""
    reply = RemoteAction.action_response_format_spec()
    event = reply["properties"]["events"]["items"]
    events = {}
    for kind in event["oneOf"]:
        properties = {**event["properties"], **kind["properties"]}
        events[properties["event"]["const"]] = {
            "type": event["type"],
            "properties": properties,
            "required": [*event["required"], *kind.get("required", ())],
        }
    return {**reply, "properties": {**reply["properties"], "events": {"type": "array"}}}, events


def _reply_fits(result: Any) -> bool:
    reply, kinds = reply_schemas()
    return _fits(result, reply) and all(
        isinstance(event, dict) and (kind := kinds.get(str(event.get("event")))) and _fits(event, kind)
        for event in result.get("events", ())
    )


def _fits(value: Any, schema: Schema) -> bool:
    """Whether JSON fits; False, too, where the schema has a keyword that is not known here. A schema's ``type`` comes first in it."""
    for keyword, wanted in schema.items():
        if keyword == "type":
            fits = any(type(value) in _TYPES[name] for name in ([wanted] if isinstance(wanted, str) else wanted))
        elif keyword == "properties":
            fits = all(_fits(value[name], each) for name, each in wanted.items() if name in value)
        elif keyword == "required":
            fits = all(name in value for name in wanted)
        elif keyword == "items":
            fits = all(_fits(each, wanted) for each in value)
        else:
            fits = keyword == "const" and value == wanted
        if not fits:
            return False
    return True


def _validate_action_result(self: RemoteAction, result: Dict[str, Any]) -> bool:
    return _reply_fits(result) or bool(_check_as_rasa_does(self, result))


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
