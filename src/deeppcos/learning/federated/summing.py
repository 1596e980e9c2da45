"""Rounds in which the coordinator sees a sum of weights and no single site's.

Owns the coordinator's side of the envelopes of ``masking``; the protocol is Flower's SecAgg+. A
site that is lost while it trains is left out of the sum; one that is lost before ends the round,
and the next begins without it.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from deeppcos.errors import TemporaryFailure
from deeppcos.learning.federated.masking import (
    ENVELOPE,
    LARGEST_CHANGE,
    MOST_PICTURES,
    name_the_run,
    packed,
    unpacked,
)

MAJORITY = 0.67
"""Share of the sites that opens a mask: of three two, of four three."""


def number_of(connection: str) -> int:
    """The number by which the protocol knows a connection."""
    return int(connection[:15], 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelopes:
    """The part of Flower's ``Grid`` that a workflow calls, over connections of the older kind.

    Attributes:
        manager: The engine's list of connections.
        timeout: Seconds for each stage.
        lost: Told the connection of a site that did not answer, and why.
    """

    manager: Any
    timeout: float | None
    lost: Callable[[str, Exception], None]

    def send_and_receive(
        self, messages: Iterable[Any], *, timeout: float | None = None
    ) -> list[Any]:
        """Send every message and wait; a site that does not answer is left out."""
        sent = list(messages)
        if not sent:
            return []
        with ThreadPoolExecutor(max_workers=len(sent)) as threads:
            found = list(threads.map(self._one, sent))
        return [one for one in found if one is not None]

    def _one(self, message: Any) -> Any:
        from flwr.app import Message
        from flwr.common import FitIns, Parameters

        number = message.metadata.dst_node_id
        connections = {number_of(key): (key, one) for key, one in self.manager.all().items()}
        key, client = connections.get(number, ("", None))
        inside = {ENVELOPE: packed(message.content), "number": number}
        try:
            if client is None:
                raise TemporaryFailure("a site is gone")
            answer = client.fit(
                FitIns(Parameters([], ""), inside), timeout=self.timeout, group_id=None
            ).metrics
            if ENVELOPE not in answer:
                raise TemporaryFailure("a site left the round", value=str(answer.get("problem")))
            return Message(unpacked(answer[ENVELOPE]), reply_to=message)
        except Exception as problem:  # the engine's kinds differ by how a connection broke
            self.lost(key, problem)
            return None


def summing_server(manager: Any, strategy: Any, *, lost: Callable[[str, Exception], None]) -> Any:
    """Flower's server with rounds of secure aggregation instead of its own.

    Args:
        manager: The engine's list of connections.
        strategy: Chooses sites, numbered by ``number_of``, and takes the mean of their changes.
        lost: Told the connection of a site that did not answer, and why.

    Returns:
        The server.
    """
    from flwr.app import ConfigRecord, Context, RecordDict
    from flwr.compat.common.recorddict_compat import (
        arrayrecord_to_parameters,
        parameters_to_arrayrecord,
    )
    from flwr.server import Server
    from flwr.server.compat.legacy_context import LegacyContext
    from flwr.server.workflow import SecAggPlusWorkflow
    from flwr.server.workflow.constant import MAIN_CONFIGS_RECORD, MAIN_PARAMS_RECORD, Key

    name_the_run()
    round_of = SecAggPlusWorkflow(
        num_shares=1.0,
        reconstruction_threshold=MAJORITY,
        max_weight=float(MOST_PICTURES),
        clipping_range=LARGEST_CHANGE,
    )

    class Summing(Server):  # type: ignore[misc]
        def fit_round(self, server_round: int, timeout: float | None) -> Any:
            state = RecordDict()
            state[MAIN_CONFIGS_RECORD] = ConfigRecord({Key.CURRENT_ROUND: server_round})
            state[MAIN_PARAMS_RECORD] = parameters_to_arrayrecord(self.parameters, keep_input=True)
            context = LegacyContext(
                Context(run_id=0, node_id=0, node_config={}, state=state, run_config={}),
                strategy=self.strategy,
                client_manager=self.client_manager(),
            )
            envelopes = Envelopes(manager=self.client_manager(), timeout=timeout, lost=lost)
            round_of(envelopes, context)
            found = context.state.array_records[MAIN_PARAMS_RECORD]
            return arrayrecord_to_parameters(found, keep_input=True), {}, ([], [])

    return Summing(client_manager=manager, strategy=strategy)
