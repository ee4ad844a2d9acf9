"""Makes the calls to the action server cheap.

Replies are checked with a validator that is built once. ``jsonschema.validate`` builds its validator and checks Rasa's own schema anew at
every reply: 43 % of an action turn's time. Here the schema, which never changes, is prepared once; a reply that does not fit is handed to
Rasa's own method, which raises its own error.

Connections are kept open; Rasa's own sessions end with each call. And the domain, which no action of ours reads, stays here
(``enable_selective_domain`` in endpoints.yml); rasa-sdk 3.21 wants an empty one instead.

Being in the pipeline (config.yml) is what makes it active: Rasa creates every component of a model when the model is loaded.
"""

from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, AsyncIterator, Dict, List

from aiohttp import ClientSession
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.utils.endpoints import EndpointConfig

_check_as_rasa_does = RemoteAction._validate_action_result
_call_as_rasa_does = RemoteAction._action_call_format
_open_as_rasa_does = EndpointConfig.session


@lru_cache(maxsize=1)
def reply_validator() -> Validator:
    """The validator of Rasa's schema for action replies."""
    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def _validate_action_result(self: RemoteAction, result: Dict[str, Any]) -> bool:
    return bool(reply_validator().is_valid(result) or _check_as_rasa_does(self, result))


def _action_call_format(self: RemoteAction, tracker: Any, domain: Any) -> Dict[str, Any]:
    return {"domain": {}, **_call_as_rasa_does(self, tracker, domain)}


@asynccontextmanager
async def _kept_session(self: EndpointConfig) -> AsyncIterator[ClientSession]:
    """The endpoint's session; it is not closed at the end."""
    kept = vars(self).get("kept_session")
    if kept is None or kept.closed:
        kept = self.kept_session = _open_as_rasa_does(self)
    yield kept


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class ActionReplies(GraphComponent):
    """Passes messages through untouched; its creation puts what is above in place of Rasa's."""

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
        RemoteAction._action_call_format = _action_call_format
        EndpointConfig.session = _kept_session
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data
