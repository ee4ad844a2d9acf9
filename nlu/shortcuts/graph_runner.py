"""Runs the model's nodes in an order that is found once.

Rasa builds a dask graph anew at each parse and at each prediction, to run four or five nodes one after the other.
"""

import logging
from graphlib import CycleError, TopologicalSorter
from typing import Any, Dict, List, Optional, Tuple

import rasa.core.processor
from rasa.engine.exceptions import GraphRunError
from rasa.engine.runner.dask import DaskGraphRunner

logger = logging.getLogger(__name__)


class OrderedGraphRunner(DaskGraphRunner):
    """Rasa's runner but for ``run``."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._orders: Dict[Tuple[str, ...], List[str]] = {}

    def run(self, inputs: Optional[Dict[str, Any]] = None, targets: Optional[List[str]] = None) -> Dict[str, Any]:
        """The targets' outputs. GraphRunError, and whatever a node raises."""
        wanted = tuple(targets or self._graph_schema.target_names)
        order = self._order(wanted)
        logger.debug("Running graph with targets: %s", wanted)
        results: Dict[str, Any] = dict.fromkeys(order)
        self._add_inputs_to_graph(inputs, results)
        for name in order:
            if not (inputs and name in inputs):
                node = self._instantiated_nodes[name]
                results[name] = node(*(results.get(need, need) for need in self._graph_schema.nodes[name].needs.values()))
        return dict(results[name] for name in wanted)

    def _order(self, targets: Tuple[str, ...]) -> List[str]:
        """The nodes that the targets need, each after those that it needs."""
        if targets not in self._orders:
            nodes = self._graph_schema.minimal_graph_schema(list(targets)).nodes
            try:
                order = TopologicalSorter({name: node.needs.values() for name, node in nodes.items()}).static_order()
                self._orders[targets] = [name for name in order if name in nodes]
            except CycleError as error:
                raise GraphRunError("Error running runner.") from error
        return self._orders[targets]


REPLACED = ((rasa.core.processor, "DaskGraphRunner", OrderedGraphRunner),)
