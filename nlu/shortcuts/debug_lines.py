"""Debug lines without copies.

Rasa copies deeply what it hands to the log, also while the level leaves the line out. A line is made at once of what it is given.
These modules copy for nothing else.
"""

from types import SimpleNamespace

import rasa.core.actions.forms
import rasa.core.policies.rule_policy
import rasa.core.processor

_copying_nothing = SimpleNamespace(deepcopy=lambda logged: logged)

REPLACED = (
    (rasa.core.actions.forms, "copy", _copying_nothing),
    (rasa.core.policies.rule_policy, "copy", _copying_nothing),
    (rasa.core.processor, "copy", _copying_nothing),
)
