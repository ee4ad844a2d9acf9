"""Copies of a tracker that do not begin at its first event.

Before each action Rasa copies the tracker, by replaying the whole conversation. Here a twin beside it has replayed what came so far and
goes on with what is new; the copy is made of the twin. Not of the tracker itself: Rasa takes a follow-up action from it that a replay
brings back, and the action server is told.

A slot is copied as what it is, a plain object: copy.copy looks for other ways first, for each of fifty slots.
"""

from copy import copy
from itertools import islice
from typing import Any

from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker


def _like(one: Any) -> Any:
    made = object.__new__(type(one))
    vars(made).update(vars(one))
    return made


def _copy(self: DialogueStateTracker) -> DialogueStateTracker:
    twin = vars(self).get("twin")
    if twin is None:
        twin = self.twin = self.init_copy()
    for event in islice(self.events, len(twin.events), None):
        twin.update(event)
    made: DialogueStateTracker = _like(twin)
    made.events = twin.events.copy()
    made.slots = {name: copy(slot) for name, slot in twin.slots.items()}
    made.active_loop = copy(twin.active_loop)
    return made


REPLACED = ((DialogueStateTracker, "copy", _copy), (Slot, "__copy__", _like))
