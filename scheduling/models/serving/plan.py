"""The plan of a serving fleet as a document that runtimes and people start from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.models.base import Document, Frozen, Many, Name
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision

Role = Literal["both", "prefill", "decode"]
"""What a replica does: whole requests, only their prompts, or only their decoding."""

Count = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)]


class Prediction(Frozen):
    """What is expected of the replicas of a component; unknown is ``None``.

    ``provenance`` says where the times come from: measured, interpolated, extrapolated, analytic
    or given.
    """

    requests_per_second: Amount | None = Field(default=None, description="Of all its replicas.")
    ttft_seconds: Amount | None = None
    tpot_seconds: Amount | None = None
    utilisation: Amount | None = Field(default=None, description="Share of the time busy, 0 to 1.")
    watts: Amount | None = Field(default=None, description="Of all its replicas.")
    provenance: Name = "given"


class NodeShare(Frozen):
    """GPUs of one node that a replica takes."""

    node: Name
    gpus: Count


class Component(Frozen):
    """Equal replicas: one model in one role, layout and precision on one type of GPU."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")] = Field(
        description="Unique in the plan; usable as a name in Kubernetes."
    )
    model: Name = Field(description="Name of the model in the catalogue or in the plan's request.")
    huggingface: Name | None = Field(default=None, description="Repository or path of its weights.")
    role: Role = "both"
    pool: Name
    gpu: Name
    replicas: Count
    layout: Layout = Layout()
    precision: Precision = Precision()
    attention: Literal["grouped", "latent"] = Field(
        default="grouped", description="How the model attends: over heads, or over latents (MLA)."
    )
    nodes_per_replica: Count = 1
    max_sequences: Count | None = Field(
        default=None, description="Most requests in one batch of a replica."
    )
    token_budget: Count | None = Field(
        default=None, description="Most tokens in one iteration of a replica."
    )
    max_tokens: Count | None = Field(default=None, description="Longest sequence served.")
    memory_share: Annotated[float, Field(gt=0, le=1, strict=False)] | None = Field(
        default=None, description="Share of a GPU's memory that the runtime may take."
    )
    places: Many[Many[NodeShare]] = Field(
        default=(), description="For each replica its nodes; empty when nodes are not planned."
    )
    prediction: Prediction = Prediction()

    @property
    def gpus(self) -> int:
        """GPUs of all its replicas."""
        return self.replicas * self.layout.gpus


class Route(Frozen):
    """Requests of one demand that go to a component."""

    demand: Name
    component: Name
    requests_per_second: Amount


class ServingPlan(Document):
    """A fleet: its components, who serves what, and what all of it costs.

    ``status``, ``objective``, ``bound`` and ``gap`` are those of the solution it was made from.
    """

    kind: Literal["serving-plan"] = "serving-plan"
    version: Literal[1] = 1
    name: Name
    components: Many[Component]
    routes: Many[Route] = ()
    gpus: Annotated[int, Field(ge=0)]
    cost_per_hour: Amount | None = Field(default=None, description="Dollars an hour of all GPUs.")
    watts: Amount | None = None
    objective_name: Name
    status: Name
    objective: Amount | None = None
    bound: Amount | None = None
    gap: Amount | None = None
