"""llm-d: values of the modelservice chart, one release for each pair of prefill and decode."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest

from scheduling.errors import UnsupportedError
from scheduling.models.serving.plan import ServingPlan
from scheduling.planner.emit import pods, vllm
from scheduling.planner.emit.accelerators import accelerator
from scheduling.planner.emit.pods import Block
from scheduling.planner.emit.shape import Part, by_model, kubernetes_name, kubernetes_names

_SERVICE_PORT, _TARGET_PORT = 8000, 8200
_RANK, _LEADER = "$(LWS_WORKER_INDEX)", "$(LWS_LEADER_ADDRESS)"
_MULTINODE = """\
if [ "$LWS_WORKER_INDEX" -gt 0 ]; then set -- "$@" {flag}; fi; exec "$@"\
"""


def files(plan: ServingPlan, parts: tuple[Part, ...]) -> dict[str, str]:
    """Write the values of each release: ``helm install NAME … -f NAME.yaml``.

    It is named after its model, and after its components too where a model has several.

    The chart has one type of prefill and one of decode pods; of further types each is a release of
    its own whose pods carry the same model's label, so that one inference pool takes them all.
    """
    del plan
    releases: list[tuple[str, Part | None, Part | None]] = []
    for model, group in by_model(parts).items():
        whole = [part for part in group if part.component.role == "both"]
        first = [part for part in group if part.component.role == "prefill"]
        second = [part for part in group if part.component.role == "decode"]
        releases += [(model, None, part) for part in whole]
        for prefill, decode in zip_longest(first, second):
            alike = _alike(prefill, decode)
            if alike:
                releases.append((model, prefill, decode))
            else:
                releases += [(model, prefill, None), (model, None, decode)]
    counts = Counter(model for model, *_ in releases)
    titles = [
        model if counts[model] == 1 else "-".join([model, *(p.name for p in pair if p)])
        for model, *pair in releases
    ]
    names = kubernetes_names(titles, 45)
    return {
        f"{names[title]}.yaml": pods.documents(_values(names[title], model, prefill, decode))
        for title, (model, prefill, decode) in zip(titles, releases, strict=True)
    }


def _alike(prefill: Part | None, decode: Part | None) -> bool:
    """Tell whether one release can hold both: the chart's kind of pods and vendor are one."""
    if prefill is None or decode is None:
        return True
    vendors = {accelerator(part.component.gpu).vendor for part in (prefill, decode)}
    return len(vendors) == 1 and (prefill.nodes > 1) == (decode.nodes > 1)


def _values(name: str, model: str, prefill: Part | None, decode: Part | None) -> Block:
    present = [part for part in (prefill, decode) if part is not None]
    split = any(part.component.role != "both" for part in present)
    gpu = accelerator(present[0].component.gpu)
    if gpu.vendor not in {"nvidia", "amd"}:
        message = (
            f"component {present[0].name}: no vLLM image is known for {present[0].component.gpu}; "
            "emit for vllm and start its scripts in an image of your own"
        )
        raise UnsupportedError(message)
    return {
        "fullnameOverride": name,
        "multinode": present[0].nodes > 1,
        "modelArtifacts": {
            "name": model,
            "uri": present[0].uri,
            "authSecretName": pods.TOKEN_SECRET,
            "labels": {
                "llm-d.ai/inferenceServing": "true",
                "llm-d.ai/model": kubernetes_name(model, 63),
            },
        },
        "accelerator": {"type": gpu.vendor},
        "routing": {
            "servicePort": _SERVICE_PORT,
            "proxy": {"enabled": split, "connector": "nixlv2", "targetPort": _TARGET_PORT},
        },
        "decode": _role(decode, split),
        "prefill": _role(prefill, split),
    }


def _role(part: Part | None, split: bool) -> Block:
    if part is None:
        return {"create": False, "replicas": 0}
    layout = part.component.layout
    gpu = accelerator(part.component.gpu)
    count = {gpu.resource: str(part.gpus)}
    decodes = part.component.role == "decode"
    port = _TARGET_PORT if split and decodes else _SERVICE_PORT
    volume, mount = pods.shared_memory()
    container: Block = {
        "name": "vllm",
        "image": pods.vllm_image(part),
        "modelCommand": "custom",
        **_command(part, port),
        "env": [pods.pod_address("VLLM_NIXL_SIDE_CHANNEL_HOST")],
        "ports": [{"containerPort": port, "name": "metrics", "protocol": "TCP"}],
        "resources": {"limits": count, "requests": dict(count)},
        "mountModelVolume": True,
        "volumeMounts": [mount],
    }
    return {
        "create": True,
        "replicas": part.component.replicas,
        "parallelism": {
            "tensor": layout.tp,
            "data": layout.dp,
            "dataLocal": max(1, layout.dp // part.nodes),
            "workers": part.nodes,
        },
        "acceleratorTypes": {"labelKey": gpu.label, "labelValues": [gpu.product]},
        "containers": [container],
        "volumes": [volume],
    }


def _command(part: Part, port: int) -> Block:
    """Return command and arguments; nodes behind the first of a replica run without a server."""
    words = [
        "vllm",
        "serve",
        part.weights,
        *vllm.server_words(part, port),
        *vllm.layout_words(part),
        *vllm.engine_words(part),
        *vllm.node_words(part, _RANK, _LEADER),
    ]
    if part.nodes == 1:
        return {"command": words[:2], "args": words[2:]}
    script = _MULTINODE.format(flag=" ".join(vllm.headless_words()))
    return {"command": ["/bin/sh", "-c", script, "vllm"], "args": words}
