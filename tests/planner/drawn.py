"""Plans and their components, given and drawn."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from scheduling.models.cost.layout import Layout
from scheduling.models.cost.precision import Precision
from scheduling.models.serving.plan import Component, Role, ServingPlan

GPUS = ("h100-sxm", "h200-sxm", "a100-80gb-sxm", "mi300x", "own-gpu")


UNKNOWN = re.compile(r"\b(None|null|nan)\b")
"""How an unknown value would show in a file."""

ROLES: tuple[tuple[Role, ...], ...] = (
    (),
    ("both",),
    ("prefill", "decode"),
    ("both", "prefill", "decode"),
    ("prefill", "decode", "decode"),
)


DEGREES = (
    *((1, 1, 1), (2, 1, 1), (4, 1, 1), (8, 1, 1), (8, 2, 1), (16, 1, 1), (1, 1, 8)),
    *((1, 1, 16), (2, 1, 8), (4, 2, 1), (8, 4, 1), (4, 1, 2), (2, 2, 2), (8, 1, 4)),
)


def plan(*components: Component, name: str = "fleet") -> ServingPlan:
    return ServingPlan(
        name=name,
        components=components,
        gpus=sum(component.gpus for component in components),
        cost_per_hour=12.5,
        objective_name="cost",
        status="optimal",
    )


def component(name: str = "llama-agg", **changes: Any) -> Component:
    base = Component(
        name=name,
        model="llama-3.1-70b",
        huggingface="meta-llama/Llama-3.1-70B-Instruct",
        pool="main",
        gpu="h100-sxm",
        replicas=3,
        layout=Layout(tp=4),
        max_sequences=96,
        token_budget=2048,
    )
    return Component.model_validate(base.model_dump() | changes)


@st.composite
def shapes(draw: st.DrawFn) -> tuple[Layout, int]:
    """Layouts that spread evenly over their nodes, as hardware has them."""
    tp, pp, dp = draw(st.sampled_from(DEGREES))
    ep = draw(st.sampled_from([1, tp * dp]))
    layout = Layout(tp=tp, pp=pp, dp=dp, ep=ep)
    nodes = draw(st.sampled_from([n for n in (1, 2, 4) if _even(layout, n)]))
    return layout, nodes


def _even(layout: Layout, nodes: int) -> bool:
    copies = layout.dp % nodes == 0 or nodes % layout.dp == 0
    return layout.gpus % nodes == 0 and layout.pp in {1, nodes, 2 * nodes} and copies


@st.composite
def components(draw: st.DrawFn, name: str, role: Role, model: str) -> Component:
    layout, nodes = draw(shapes())
    batch = draw(st.none() | st.integers(1, 1024))
    budgets = st.none() | st.integers(batch or 1, 16384)
    return Component(
        name=name,
        model=model,
        huggingface=draw(st.sampled_from([f"org/{model}", f"org/{model}-FP8", f"pvc://c/{model}"])),
        role=role,
        pool="pool",
        gpu=draw(st.sampled_from(GPUS)),
        replicas=draw(st.integers(1, 40)),
        layout=layout,
        precision=Precision(
            weights=draw(st.sampled_from(["bf16", "fp8", "int4"])),
            compute=draw(st.sampled_from(["bf16", "fp16", "fp8"])),
            kv=draw(st.sampled_from(["bf16", "fp8"])),
        ),
        nodes_per_replica=nodes,
        max_sequences=batch,
        token_budget=draw(budgets),
        max_tokens=draw(st.none() | st.integers(1, 131072)),
        memory_share=draw(st.none() | st.floats(0.05, 1)),
    )


@st.composite
def plans(draw: st.DrawFn) -> ServingPlan:
    """Plans with models of whole, split and mixed types of replicas."""
    made: list[Component] = []
    words = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?", fullmatch=True).filter(
        lambda word: not UNKNOWN.search(word)
    )
    names = iter(draw(st.lists(words, min_size=9, max_size=9, unique=True)))
    models = st.from_regex(r"[AaBb1][AaBb1._-]{0,30}", fullmatch=True)
    for model in draw(st.lists(models, min_size=1, max_size=3, unique=True)):
        roles = draw(st.sampled_from(ROLES))
        made += [draw(components(next(names), role, model)) for role in roles]
    if not made:
        made.append(draw(components(next(names), "both", "model")))
    return plan(*made, name=draw(st.text("aB-. \n#'1é", min_size=1)))
