"""A site's weights leave it masked: Flower's SecAgg+ over the connections that there are.

SecAgg+ is written for Flower's messages, and our connections carry the engine's older calls: each
message travels in an envelope inside one of those, unchanged. Masks, shares of secrets and the
order of stages are Flower's own. Owns the site's side and what it refuses; the coordinator's is
``summing``.

The protocol protects a site from a coordinator that is curious and keeps to it, and a site refuses
the ways of asking that would unmask it. It does not protect from a coordinator that invents sites.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deeppcos.errors import DeepPCOSError, InvalidInput
from deeppcos.learning.federated.weights import Weights

ENVELOPE = "secure"
SMALLEST_SUM = 3
"""Sites in a sum: of two, each could take its own away and have the other's."""

LARGEST_CHANGE = 4.0
"""A weight that moves further in a round cannot be told in the protocol's integers."""

MOST_PICTURES = 1000
"""A site with more counts as one with this many: fewer bits would be left for small sites."""


def name_the_run() -> None:
    """Tell the engine which run this process is in: its messages ask, and there is only one."""
    from flwr.supercore.task_identity import TaskIdentity

    TaskIdentity.run_id = TaskIdentity.node_id = TaskIdentity.task_id = 1


def packed(content: Any) -> bytes:
    """A message's content as bytes."""
    from flwr.common.serde import recorddict_to_proto

    return bytes(recorddict_to_proto(content).SerializeToString())


def unpacked(content: bytes) -> Any:
    """A message's content from bytes."""
    from flwr.common.serde import recorddict_from_proto
    from flwr.proto.recorddict_pb2 import RecordDict

    return recorddict_from_proto(RecordDict.FromString(content))


@dataclass(slots=True)
class Masked:
    """A site's side: what it trained leaves masked, or not at all.

    Attributes:
        train: Trains from common weights: weights and settings to weights, pictures and figures.
        context: What Flower remembers of the round.
    """

    train: Callable[[Weights, dict[str, Any]], tuple[Weights, int, dict[str, Any]]]
    context: Any = None

    def reply(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one stage of the protocol.

        Args:
            asked: The envelope, and the number the protocol knows the site by.

        Returns:
            The envelope back; or in words why there is none.
        """
        try:
            return {ENVELOPE: self._answered(asked)}
        except (DeepPCOSError, ValueError, KeyError, TypeError) as problem:
            # The engine would end the process; the site is only lost for this round.
            self.context = None
            return {"problem": f"{type(problem).__name__}: {problem}"[:500]}

    def _answered(self, asked: Mapping[str, Any]) -> bytes:
        """The envelope back."""
        from flwr.app import Context, Message, RecordDict
        from flwr.client.mod import secaggplus_mod
        from flwr.common.secure_aggregation.secaggplus_constants import RECORD_KEY_CONFIGS

        if ENVELOPE not in asked:
            raise _unmasking("weights without a mask")
        content = unpacked(asked[ENVELOPE])
        refuse_unmasking(content.config_records[RECORD_KEY_CONFIGS])
        name_the_run()
        if self.context is None:
            self.context = Context(
                run_id=0, node_id=0, node_config={}, state=RecordDict(), run_config={}
            )
        message = Message(content, dst_node_id=int(asked["number"]), message_type="train")
        return packed(secaggplus_mod(message, self.context, self._trained).content)

    def _trained(self, message: Any, context: Any) -> Any:
        """Train, and hand on by how much each weight moved: small numbers lose less as integers."""
        from flwr.app import Message
        from flwr.common import (
            Code,
            FitRes,
            Status,
            ndarrays_to_parameters,
            parameters_to_ndarrays,
        )
        from flwr.compat.common import recorddict_compat

        asked = recorddict_compat.recorddict_to_fitins(message.content, keep_input=True)
        common = parameters_to_ndarrays(asked.parameters)
        found, pictures, figures = self.train(common, asked.config)
        change = [np.asarray(one - was, np.float64) for one, was in zip(found, common, strict=True)]
        if not all(bool((np.abs(one) <= LARGEST_CHANGE).all()) for one in change):
            raise InvalidInput(
                "a weight moved too far to be told in a sum",
                value=f"{max(float(np.abs(one).max()) for one in change):g}",
                accepted=f"at most {LARGEST_CHANGE:g}",
                remedy="train fewer steps a round",
            )
        told = FitRes(
            Status(Code.OK, ""),
            ndarrays_to_parameters(change),
            min(pictures, MOST_PICTURES),
            figures,
        )
        content = recorddict_compat.fitres_to_recorddict(told, keep_input=True)
        return Message(content, reply_to=message)


def refuse_unmasking(asked: Mapping[str, Any]) -> None:
    """Refuse the ways of asking that would tell one site's weights.

    Args:
        asked: Settings of a stage, as Flower's protocol names them.

    Raises:
        InvalidInput: If so few sites take part that their sum tells of one, if fewer than a
            majority could open a mask, or if both secrets of a site are asked for.
    """
    from flwr.common.secure_aggregation.secaggplus_constants import Key, Stage

    stage = asked.get(Key.STAGE)
    if stage == Stage.SETUP:
        sites, shares, opening = (
            int(asked[key]) for key in (Key.SAMPLE_NUMBER, Key.SHARE_NUMBER, Key.THRESHOLD)
        )
        if sites < SMALLEST_SUM or shares != sites:
            raise _unmasking(f"a sum of {sites} sites, secrets shared among {shares}")
        if 2 * opening <= sites:
            raise _unmasking(f"masks that {opening} of {sites} sites open")
    if stage == Stage.UNMASK:
        there, lost = set(asked[Key.ACTIVE_NODE_ID_LIST]), set(asked[Key.DEAD_NODE_ID_LIST])
        if there & lost:
            raise _unmasking("both secrets of a site")
        if len(there) < SMALLEST_SUM:
            raise _unmasking(f"a sum of {len(there)} sites")


def _unmasking(what: str) -> InvalidInput:
    return InvalidInput(
        "the coordinator asked for more than a sum",
        value=what,
        accepted=f"masked sums of {SMALLEST_SUM} sites or more",
        remedy="nothing was sent; ask the coordinator why",
    )
