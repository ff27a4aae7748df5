"""Dynamo: one DynamoGraphDeployment a model, with a component for each type of replica."""

from __future__ import annotations

from scheduling.errors import UnsupportedError
from scheduling.models.serving.plan import ServingPlan
from scheduling.planner.emit import pods, vllm
from scheduling.planner.emit.accelerators import accelerator, node_selector, resources
from scheduling.planner.emit.pods import Block
from scheduling.planner.emit.shape import Part, by_model, kubernetes_names

FILE = "dynamographdeployments.yaml"
IMAGE = "nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.3.1"
MOST_COMPONENTS = 25
"""Components that a graph may have, the frontend among them."""

_TYPES = {"both": "worker", "prefill": "prefill", "decode": "decode"}
_FRONTEND = "Frontend"
"""No component has this name, since theirs are in small letters."""


def files(plan: ServingPlan, parts: tuple[Part, ...]) -> dict[str, str]:
    """Write the graphs of a plan.

    Raises
    ------
    UnsupportedError
        For GPUs that the runtime's image is not made for, or more than 25 components a graph.
    """
    del plan
    groups = by_model(parts)
    names = kubernetes_names(groups, 24)
    return {FILE: pods.documents(*(_graph(names[model], group) for model, group in groups.items()))}


def _graph(name: str, group: list[Part]) -> Block:
    if len(group) >= MOST_COMPONENTS:
        model = group[0].component.model
        message = (
            f"model {model}: {len(group)} components, Dynamo takes {MOST_COMPONENTS - 1} of a "
            "model; plan with fewer types of replicas"
        )
        raise UnsupportedError(message)
    names = kubernetes_names([_FRONTEND, *(part.name for part in group)], 30)
    frontend = {
        "name": names.pop(_FRONTEND),
        "type": "frontend",
        "replicas": 1,
        "podTemplate": {"spec": {"containers": [{"name": "main", "image": IMAGE}]}},
    }
    return {
        "apiVersion": "nvidia.com/v1beta1",
        "kind": "DynamoGraphDeployment",
        "metadata": {"name": name},
        "spec": {
            "backendFramework": "vllm",
            "components": [frontend, *(_component(part, names[part.name]) for part in group)],
        },
    }


def _component(part: Part, name: str) -> Block:
    if accelerator(part.component.gpu).vendor != "nvidia":
        message = (
            f"component {part.name}: Dynamo's image is for GPUs of NVIDIA, not "
            f"{part.component.gpu}; emit for lws or llm-d"
        )
        raise UnsupportedError(message)
    block: Block = {
        "name": name,
        "type": _TYPES[part.component.role],
        "replicas": part.component.replicas,
    }
    # The operator adds ranks and addresses of nodes to the command line itself.
    if part.nodes > 1:
        block["multinode"] = {"nodeCount": part.nodes}
    container = {
        "name": "main",
        "image": IMAGE,
        "command": ["python3", "-m", "dynamo.vllm"],
        "args": _words(part),
        "envFrom": pods.token(),
        "resources": resources(part),
    }
    block["podTemplate"] = {
        "spec": {"nodeSelector": node_selector(part), "containers": [container]}
    }
    return block


def _words(part: Part) -> list[str]:
    """Return the worker's command line: flags of vLLM, and the two of Dynamo's own."""
    role = part.component.role
    own = ["--model", part.weights, "--served-model-name", part.component.model]
    if role != "both":
        own += ["--disaggregation-mode", role]
    return [*own, *vllm.layout_words(part), *vllm.engine_words(part)]
