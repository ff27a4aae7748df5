"""KServe: LLMInferenceServices, each one type of replica, or one of prefill and one of decode."""

from __future__ import annotations

import shlex

from scheduling.errors import UnsupportedError
from scheduling.models.serving.plan import ServingPlan
from scheduling.planner.emit import pods, vllm
from scheduling.planner.emit.accelerators import node_selector, resources
from scheduling.planner.emit.pods import Block
from scheduling.planner.emit.shape import Part, by_model, kubernetes_names

FILE = "llminferenceservices.yaml"


def files(plan: ServingPlan, parts: tuple[Part, ...]) -> dict[str, str]:
    """Write the services of a plan.

    Raises
    ------
    UnsupportedError
        For a model with several types of prefill or decode replicas, since a service has one of
        each, and for replicas whose nodes are neither pipeline stages nor copies of attention.
    """
    del plan
    services: list[tuple[Part, Part | None]] = []
    for model, group in by_model(parts).items():
        prefills = [part for part in group if part.component.role == "prefill"]
        decodes = [part for part in group if part.component.role == "decode"]
        if (len(prefills), len(decodes)) not in {(0, 0), (1, 1)}:
            message = (
                f"model {model}: {len(prefills)} types of prefill and {len(decodes)} of decode "
                "replicas, a service of KServe has one of each; plan with one of each, or emit "
                "for dynamo or llm-d"
            )
            raise UnsupportedError(message)
        services += [(part, None) for part in group if part.component.role == "both"]
        services += zip(decodes, prefills, strict=True)
    names = kubernetes_names((part.name for part, _ in services), 40)
    blocks = [_service(names[part.name], part, prefill) for part, prefill in services]
    return {FILE: pods.documents(*blocks)}


def _service(name: str, part: Part, prefill: Part | None) -> Block:
    spec: Block = {
        "model": {"uri": part.uri, "name": part.component.model},
        **_workload(part),
        "router": {"route": {}, "gateway": {}, "scheduler": {}},
    }
    if prefill is not None:
        spec["prefill"] = _workload(prefill)
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "LLMInferenceService",
        "metadata": {"name": name},
        "spec": spec,
    }


def _workload(part: Part) -> Block:
    block: Block = {
        "replicas": part.component.replicas,
        "parallelism": _parallelism(part),
        "template": _pod(part),
    }
    if part.nodes > 1:
        block["worker"] = _pod(part)
    return block


def _parallelism(part: Part) -> Block:
    """Return the degrees; the presets of KServe make a node of each stage or of equal copies."""
    layout, nodes = part.component.layout, part.nodes
    by_stage = layout.pp == nodes and layout.dp == 1
    by_copy = layout.pp == 1 and layout.dp % nodes == 0
    if nodes > 1 and not (by_stage or by_copy):
        message = (
            f"component {part.name}: KServe makes a node of each pipeline stage or of equal "
            f"copies of attention, which {layout} on {nodes} nodes is not; emit for lws"
        )
        raise UnsupportedError(message)
    degrees: Block = {"tensor": layout.tp}
    if layout.pp > 1:
        degrees["pipeline"] = layout.pp
    if layout.dp > 1:
        degrees |= {"data": layout.dp, "dataLocal": layout.dp // nodes}
    if layout.ep > 1:
        degrees["expert"] = True
    return degrees


def _pod(part: Part) -> Block:
    words = [*vllm.layout_words(part), *vllm.engine_words(part)]
    container = {
        "name": "main",
        "image": pods.vllm_image(part),
        # The presets append this to the command line that they make of the degrees.
        "env": [
            {"name": "VLLM_ADDITIONAL_ARGS", "value": shlex.join(words)},
            pods.pod_address("VLLM_NIXL_SIDE_CHANNEL_HOST"),
        ],
        "envFrom": pods.token(),
        "resources": resources(part),
    }
    return {"nodeSelector": node_selector(part), "containers": [container]}
