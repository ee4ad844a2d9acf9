"""Checks the action server's replies with a validator that is built once.

``jsonschema.validate`` builds its validator and checks Rasa's own schema anew at every reply: 43 % of an action turn's time.
Here the schema, which never changes, is prepared once; a reply that does not fit is handed to Rasa's own method, which raises
its own error.

Being in the pipeline (config.yml) is what makes it active: Rasa creates every component of a model when the model is loaded.
"""

from functools import lru_cache
from typing import Any, Dict, List

from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

_check_as_rasa_does = RemoteAction._validate_action_result


@lru_cache(maxsize=1)
def reply_validator() -> Validator:
    """The validator of Rasa's schema for action replies."""
    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def _validate_action_result(self: RemoteAction, result: Dict[str, Any]) -> bool:
    return bool(reply_validator().is_valid(result) or _check_as_rasa_does(self, result))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class ActionReplies(GraphComponent):
    """Passes messages through untouched; its creation puts the fast check in place of Rasa's."""

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],  # noqa: ARG003  Rasa passes these four by name
        model_storage: ModelStorage,  # noqa: ARG003
        resource: Resource,  # noqa: ARG003
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> "ActionReplies":
        reply_validator()
        RemoteAction._validate_action_result = _validate_action_result
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data
