"""What Rasa does in every turn, done with less work and the same outcome. Rasa decides: nothing in here chooses an intent or an action.

nlu/serve.py puts it in place as the process starts. It is no part of the model, so a change in here wants no training, and whoever loads a
model otherwise (training, tests, benchmarks) has Rasa's own. It replaces private methods: Rasa's version is pinned (rasa.lock), and
tests/rasa/test_shortcuts.py holds whole conversations beside Rasa's own.
"""

from nlu.shortcuts import action_calls, action_connections, debug_lines, graph_runner, lookups, rules, tracker_copies

PARTS = (action_calls, action_connections, debug_lines, graph_runner, lookups, rules, tracker_copies)


def install() -> None:
    """Before a model is loaded. Each part's REPLACED names an owner, its attribute and what takes its place."""
    for part in PARTS:
        for owner, name, ours in part.REPLACED:
            setattr(owner, name, ours)
