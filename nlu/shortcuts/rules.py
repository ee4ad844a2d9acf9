"""Predictions of RulePolicy from the last states of a tracker only.

Rasa makes the states of the whole conversation three times a turn, each time by replaying all its events in a fresh tracker, and holds all
of them against all rules. A rule here is three states long at most. So the replay goes on where it stopped, and the rules that are looked
at are those that follow the action taken last. Which of them fits, and what follows, remains Rasa's to say.
"""

import json
from collections import deque
from typing import Any, Deque, Dict, List, Optional, Set

from rasa.core.policies.rule_policy import RulePolicy
from rasa.shared.core.constants import PREVIOUS_ACTION, SHOULD_NOT_BE_SET, USER
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.events import ActionExecuted, Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ACTION_NAME

_match_as_rasa_does = RulePolicy._get_possible_keys


class Replay:
    """A tracker's events so far, and its states before its last actions."""

    def __init__(self, tracker: DialogueStateTracker, depth: int) -> None:
        self._tracker = tracker.init_copy()
        self._events: List[Event] = []
        self._states: Deque[State] = deque(maxlen=depth - 1)

    def is_begin_of(self, events: List[Event]) -> bool:
        """False once something was undone; a form's repeated execution is."""
        return len(self._events) <= len(events) and all(mine is theirs for mine, theirs in zip(self._events, events))  # noqa: B905

    def go_on(self, events: List[Event], domain: Domain) -> List[State]:
        """The last states, the current one at the end, for the caller to change."""
        for event in events[len(self._events) :]:
            if isinstance(event, ActionExecuted):
                self._states.append(domain.get_active_state(self._tracker))
            self._tracker.update(event)
            self._events.append(event)
        states = [*self._states, domain.get_active_state(self._tracker)]
        return [{**state, USER: dict(state[USER])} if USER in state else dict(state) for state in states]


def _prediction_states(
    self: RulePolicy,
    tracker: DialogueStateTracker,
    domain: Domain,
    use_text_for_last_user_input: bool = False,
    rule_only_data: Optional[Dict[str, Any]] = None,  # noqa: ARG001  Rasa leaves it unread, too, in a policy of rules
) -> List[State]:
    """One state more than the longest rule has, so that what matched no rule is not taken for one."""
    events = tracker.applied_events()
    replay: Optional[Replay] = vars(tracker).get("replay")
    if replay is None or not replay.is_begin_of(events):
        replay = tracker.replay = Replay(tracker, _depth(self))
    states = replay.go_on(events, domain)
    self.featurizer._choose_last_user_input([states], use_text_for_last_user_input)
    return states


def _get_possible_keys(self: RulePolicy, lookup: Dict[str, str], states: List[State]) -> Set[str]:
    last = states[-1].get(PREVIOUS_ACTION, {}).get(ACTION_NAME)
    by_action = _by_action(self, lookup)
    return set(_match_as_rasa_does(self, {**by_action.get(last, {}), **by_action[None]}, states))


def _by_action(policy: RulePolicy, lookup: Dict[str, str]) -> Dict[Optional[str], Dict[str, str]]:
    """The rules by the action that they follow; under None those that may follow any."""
    known: List[Any] = vars(policy).setdefault("rules_by_action", [])
    for prepared, by_action in known:
        if prepared is lookup:
            return by_action  # type: ignore[no-any-return]
    rules: Dict[Optional[str], Dict[str, str]] = {None: {}}
    for key, action in lookup.items():
        follows = json.loads(key)[-1].get(PREVIOUS_ACTION, {}).get(ACTION_NAME)
        rules.setdefault(follows if follows != SHOULD_NOT_BE_SET else None, {})[key] = action
    known.append((lookup, rules))
    return rules


def _depth(policy: RulePolicy) -> int:
    if "depth" not in vars(policy):
        keys = [key for lookup in policy.lookup.values() for key in lookup if key.startswith("[")]
        policy.depth = 1 + max((len(json.loads(key)) for key in keys), default=0)
    return int(policy.depth)


REPLACED = ((RulePolicy, "_prediction_states", _prediction_states), (RulePolicy, "_get_possible_keys", _get_possible_keys))
