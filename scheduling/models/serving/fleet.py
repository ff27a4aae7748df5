"""What a serving planner is asked: models, pools of GPUs, demands with their service levels."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.llm import Llm
from scheduling.models.cost.precision import Dtype, Precision
from scheduling.models.requests.arrivals import Arrivals, Rate
from scheduling.models.requests.lengths import Lengths
from scheduling.models.serving.plan import ServingPlan
from scheduling.models.serving.problem import Factor, Price, Watts

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)]
Share = Annotated[float, Field(gt=0, le=1, strict=False)]
Count = Annotated[int, Field(ge=1, le=10**6)]
GoalName = Literal["cost", "watts", "gpus", "goodput"]
Mode = Literal["aggregated", "disaggregated"]


def _whole(value: Any) -> Any:
    if not isinstance(value, BaseModel):
        return value
    return value.model_dump(mode="json", exclude_none=True)


WHOLE = PlainSerializer(_whole)
"""Writes a description with its kind, which tells the reader what it is."""


def _form(value: Any) -> str:
    return "name" if isinstance(value, str) else "description"


# A document reports its own faults, so the branch is chosen before it is validated.
NamedGpu = Annotated[
    Annotated[Gpu, Tag("description")] | Annotated[Name, Tag("name")], Discriminator(_form), WHOLE
]
NamedLlm = Annotated[
    Annotated[Llm, Tag("description")] | Annotated[Name, Tag("name")], Discriminator(_form), WHOLE
]

_SHORT: dict[str, tuple[Dtype, Dtype, Dtype]] = {
    "bf16": ("bf16", "bf16", "bf16"),
    "fp16": ("fp16", "fp16", "fp16"),
    "fp8": ("fp8", "fp8", "fp8"),
    "fp8kv16": ("fp8", "fp8", "bf16"),
    "w8a8": ("int8", "int8", "bf16"),
    "w4a16": ("int4", "bf16", "bf16"),
    "w4a8": ("int4", "int8", "bf16"),
    "fp4": ("fp4", "fp4", "fp8"),
    "w4a4kv4": ("int4", "int4", "int4"),
}
_LOSSLESS = ("fp32", "bf16", "fp16")


def short_precision(precision: Precision) -> str:
    """Return the short name of a precision, such as ``fp8`` or ``w4a4kv4``, else its types."""
    types = (precision.weights, precision.compute, precision.kv)
    known = {value: name for name, value in _SHORT.items()}
    return known.get(types, "-".join(types))


class Choice(Frozen):
    """A precision that a model may be served in, written short as ``fp8`` or ``w4a4kv4``.

    Quality is whatever share of the original's the user has measured; it is unknown for types
    below 16 bits unless stated.
    """

    precision: Precision
    quality: Share | None = Field(
        default=None, description="Share of the original model's quality that is kept."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_short_name(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"precision": named_precision(value)}
        if isinstance(value, dict) and isinstance(value.get("precision"), str):
            return {**value, "precision": named_precision(value["precision"])}
        return value

    @property
    def kept_quality(self) -> float | None:
        """The stated quality; 1 where all types have 16 bits or more, else unknown."""
        types = (self.precision.weights, self.precision.compute, self.precision.kv)
        if self.quality is None and all(dtype in _LOSSLESS for dtype in types):
            return 1.0
        return self.quality


def named_precision(text: str) -> dict[str, str]:
    """Return the fields of the precision that a short name, such as ``fp8``, stands for."""
    if text.lower() not in _SHORT:
        raise PydanticCustomError("precision", f"one of: {', '.join(_SHORT)}")
    weights, compute, kv = _SHORT[text.lower()]
    return {"weights": weights, "compute": compute, "kv": kv}


class FleetModel(Frozen):
    """A model to serve: its name in the catalogue, a description, or a Hugging Face config.json."""

    name: Name
    llm: NamedLlm | None = Field(
        default=None, description="Description, or name in the catalogue; none: that is `name`."
    )
    config: Name | None = Field(
        default=None,
        description="Path of a Hugging Face config.json, relative to the fleet's file.",
    )
    precisions: Many[Choice] = Field(
        default=(), description="Allowed precisions; empty: the type of the published weights."
    )
    min_quality: Share | None = Field(
        default=None, description="Least share of the original's quality that is acceptable."
    )


class Pool(Frozen):
    """Equal nodes with GPUs of one type; prices and watts are those of one GPU."""

    name: Name
    gpu: NamedGpu = Field(description="Description, or name in the catalogue.")
    nodes: Count
    gpus_per_node: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        default=None, description="None: as usually sold."
    )
    domain_gpus: Annotated[int, Field(ge=1, le=10**5)] | None = Field(
        default=None, description="GPUs that fast links join; none: as usually sold."
    )
    price_per_hour: Price | None = Field(
        default=None, description="Dollars an hour and GPU; none: the catalogue's."
    )
    watts: Annotated[Watts, Field(gt=0)] | None = Field(
        default=None, description="Watts of a GPU that works; none: the catalogue's limit."
    )


class Target(Frozen):
    """A service level: the percentile of some latency is at most so many seconds."""

    seconds: Positive
    percentile: Annotated[float, Field(gt=0, lt=100, strict=False)] = 90.0

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, value: Any) -> Any:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return {"seconds": value}
        return value


class FleetDemand(Frozen):
    """Requests of one class for one model, and what they are promised.

    TTFT is the time from arrival to the first token; TPOT the mean time between the later tokens
    of a request; E2E the time from arrival to the last token.
    """

    name: Name
    model: Name
    rate: Rate | None = Field(default=None, description="Requests per second, Poisson arrivals.")
    arrivals: Annotated[Arrivals, WHOLE] | None = Field(
        default=None, description="Other arrivals than Poisson."
    )
    prompt: Annotated[Lengths, WHOLE] | None = Field(
        default=None, description="Tokens of a prompt: a distribution or a plain number."
    )
    output: Annotated[Lengths, WHOLE] | None = Field(
        default=None, description="Tokens of an answer, likewise."
    )
    prefix_share: Annotated[float, Field(ge=0, lt=1, strict=False)] = Field(
        default=0.0, description="Share of a prompt, at its head, whose KV is in the cache."
    )
    trace: Name | None = Field(
        default=None,
        description="Trace file relative to the fleet's, instead of all these; a rate scales it.",
    )
    ttft: Target | None = None
    tpot: Target | None = None
    e2e: Target | None = None
    attainment: Annotated[float, Field(gt=0, lt=1, strict=False)] | None = Field(
        default=None,
        description="Share of requests that keep all targets at once, instead of percentiles.",
    )

    def faults(self, place: str) -> list[Fault]:
        """Return what contradicts itself or is missing; ``place`` is where the demand stands."""
        faults = []
        if self.rate is not None and self.arrivals is not None:
            faults.append(Fault(f"{place}.arrivals", "both", "either a rate or arrivals"))
        if self.trace is None:
            if self.rate is None and self.arrivals is None:
                faults.append(Fault(f"{place}.rate", "nothing", "a rate, arrivals or a trace"))
            lengths = (("prompt", self.prompt), ("output", self.output))
            faults += [
                Fault(f"{place}.{name}", "nothing", "tokens, a distribution, or a trace")
                for name, value in lengths
                if value is None
            ]
        else:
            stated = ("arrivals", "prompt", "output")
            faults += [
                Fault(f"{place}.{name}", "a value beside a trace", "either of them")
                for name in stated
                if getattr(self, name) is not None
            ]
        return faults

    def target(self, metric: str) -> tuple[float, float] | None:
        """Return seconds and share of requests of a target ``ttft``, ``tpot`` or ``e2e``.

        A joint attainment ``a`` over k targets asks for ``1 - (1 - a) / k`` of each (Boole's
        inequality), which is sufficient.
        """
        target: Target | None = getattr(self, metric)
        if target is None:
            return None
        if self.attainment is None:
            return target.seconds, target.percentile / 100
        count = sum(item is not None for item in (self.ttft, self.tpot, self.e2e))
        return target.seconds, 1 - (1 - self.attainment) / count


class Options(Frozen):
    """Which replicas may be formed."""

    modes: Annotated[Many[Mode], Field(min_length=1)] = Field(
        default=("aggregated", "disaggregated"),
        description="Replicas that do both phases, or separate ones for prefill and decode.",
    )
    max_tp: Count = 8
    max_pp: Count = 2
    max_dp: Count = 8
    max_ep: Count = 64
    max_replica_gpus: Count = 64
    engine: Literal["vllm", "sglang", "trtllm"] | None = Field(
        default=None, description="Runtime whose overheads are assumed."
    )
    memory_share: Share = Field(default=0.9, description="Of a GPU's memory, for the runtime.")
    max_sequences: Count = Field(default=512, description="Most requests in one batch.")
    token_budgets: Annotated[Many[Count], Field(min_length=1)] = Field(
        default=(512, 1024, 2048, 4096, 8192),
        description="Tokens of one iteration that are tried.",
    )
    kv_affinity: Literal["high", "low"] = Field(
        default="high",
        description="Whether the network carries KV caches from prefill to decode, or low: they "
        "stay on a node.",
    )
    max_types_per_role: Count | None = Field(
        default=None, description="Most kinds of replicas for one model and role."
    )


class Limits(Frozen):
    """Caps on the whole plan."""

    gpus: Annotated[int, Field(ge=0, le=10**9)] | None = None
    cost_per_hour: Annotated[NotNegative, Field(le=10**9)] | None = Field(
        default=None, description="Dollars an hour."
    )
    watts: Annotated[NotNegative, Field(le=10**11)] | None = None


class Scenario(Frozen):
    """A case that the plan must hold in as well."""

    name: Name
    demand: Factor | dict[str, Factor] = Field(
        default=1.0, description="Factor on all rates, or on those of the demands named."
    )
    latency: Annotated[Factor, Field(ge=0.01)] = Field(
        default=1.0, description="Factor on all times of iterations."
    )

    def factor(self, demand: str) -> float:
        """Return the factor on the rate of a demand."""
        if isinstance(self.demand, dict):
            return self.demand.get(demand, 1.0)
        return self.demand


class Fleet(Problem):
    """A request for a serving plan.

    Raises
    ------
    InputError
        For names that are used twice or mean nothing.
    """

    kind: Literal["fleet"] = "fleet"
    models: Annotated[Many[FleetModel], Field(min_length=1)]
    pools: Annotated[Many[Pool], Field(min_length=1)]
    demands: Annotated[Many[FleetDemand], Field(min_length=1)]
    options: Options = Options()
    limits: Limits = Limits()
    scenarios: Many[Scenario] = ()
    goals: Annotated[Many[GoalName], Field(min_length=1)] = Field(
        default=("cost",), description="What is optimised, most important first."
    )
    running: ServingPlan | None = Field(default=None, description="The plan that runs now.")
    max_changes: Annotated[int, Field(ge=0, le=10**9)] | None = Field(
        default=None, description="Most replicas started or stopped against the running plan."
    )

    @field_validator("goals", mode="before")
    @classmethod
    def _one_goal(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    def _faults(self) -> list[Fault]:
        faults = []
        for field in ("models", "pools", "demands", "scenarios"):
            seen: set[str] = set()
            for row, item in enumerate(getattr(self, field)):
                if item.name in seen:
                    faults.append(Fault(f"{field}[{row}].name", repr(item.name), "a new name"))
                seen.add(item.name)
        models = [model.name for model in self.models]
        for row, demand in enumerate(self.demands):
            faults += demand.faults(f"demands[{row}]")
            if demand.model not in models:
                expected = f"one of: {', '.join(models)}"
                faults.append(Fault(f"demands[{row}].model", repr(demand.model), expected))
        demands = {demand.name for demand in self.demands}
        for row, scenario in enumerate(self.scenarios):
            named = scenario.demand if isinstance(scenario.demand, dict) else {}
            for name in sorted(set(named) - demands):
                place = f"scenarios[{row}].demand"
                faults.append(Fault(place, repr(name), f"one of: {', '.join(sorted(demands))}"))
        if len(set(self.goals)) < len(self.goals):
            faults.append(Fault("goals", ", ".join(self.goals), "each goal once"))
        if self.max_changes is not None and self.running is None:
            faults.append(Fault("running", "nothing", "the running plan that max_changes is of"))
        return faults
