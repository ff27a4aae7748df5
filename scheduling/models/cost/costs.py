"""The one door to cost models: a replica and, if there is one, a profile of its GPU."""

from __future__ import annotations

from scheduling.models.cost.efficiency import Efficiency, efficiency_of
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import Llm
from scheduling.models.cost.measured import MeasuredOperators
from scheduling.models.cost.operators import Operators
from scheduling.models.cost.power import Metered
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import CostModel
from scheduling.models.cost.roofline import ReplicaCost
from scheduling.models.cost.tables import OperatorTable


def replica_cost(
    llm: Llm,
    gpu: Gpu,
    layout: Layout,
    precision: Precision,
    *,
    engine: str | None = None,
    profile: OperatorTable | None = None,
    terms: Efficiency | None = None,
) -> CostModel:
    """Return the cost model of one replica.

    Parameters
    ----------
    llm
        The model it serves.
    gpu
        Its GPUs.
    layout
        How the model is spread over them.
    precision
        Types of weights, operands and KV.
    engine
        ``vllm``, ``sglang`` or ``trtllm``: whose efficiency terms to take; ``None`` for those of no
        engine in particular.
    profile
        Measured operators of that GPU, as ``scheduling.instances.cost.operators.read_operators``
        reads them; operators that it lacks come from the roofline.
    terms
        Efficiency terms instead of the engine's, such as calibrated ones.

    Returns
    -------
    CostModel
        Sums of operators, which also knows what the replica draws.

    Raises
    ------
    InputError
        For an unknown engine, or a GPU that does not multiply operands of that type.
    """
    chosen = terms or efficiency_of(engine)
    if profile is None:
        operators = Operators(gpu, precision, chosen)
    else:
        operators = MeasuredOperators(gpu, precision, chosen, profile)
    return Metered(ReplicaCost(llm, layout, operators), llm, gpu, layout, precision)
