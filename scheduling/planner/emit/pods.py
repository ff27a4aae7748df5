"""Pods that all runtimes on Kubernetes have in common."""

from __future__ import annotations

from typing import Any

import yaml

from scheduling.errors import UnsupportedError
from scheduling.planner.emit.accelerators import accelerator
from scheduling.planner.emit.flags import engine
from scheduling.planner.emit.shape import Part

Block = dict[str, Any]

TOKEN_SECRET = "hf-token"  # noqa: S105 - the name of a secret, not a secret
"""Secret with HF_TOKEN for gated weights; pods start without it too."""

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_IMAGES = {"nvidia": "vllm/vllm-openai", "amd": "vllm/vllm-openai-rocm"}


def vllm_image(part: Part) -> str:
    """Return the image of the pinned vLLM for a component's GPUs.

    Raises
    ------
    UnsupportedError
        For GPUs that it has no image for.
    """
    vendor = accelerator(part.component.gpu).vendor
    if vendor not in _IMAGES:
        message = (
            f"component {part.name}: vLLM {engine('vllm').version} publishes no image for "
            f"{part.component.gpu}; emit for vllm and start its scripts in an image of your own"
        )
        raise UnsupportedError(message)
    return f"{_IMAGES[vendor]}:v{engine('vllm').version}"


def token() -> list[Block]:
    """Return the environment that lets a pod read gated weights."""
    return [{"secretRef": {"name": TOKEN_SECRET, "optional": True}}]


def pod_address(name: str) -> Block:
    """Return an environment variable with the pod's address."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}


def shared_memory() -> tuple[Block, Block]:
    """Return a volume in memory and its mount: processes of tensor parallel layouts talk there."""
    volume = {"name": "dshm", "emptyDir": {"medium": "Memory"}}
    return volume, {"name": "dshm", "mountPath": "/dev/shm"}  # noqa: S108 - inside the pod


def documents(*entries: Block) -> str:
    """Write objects as one YAML file."""
    text: str = yaml.dump_all(
        entries, Dumper=_DUMPER, sort_keys=False, width=1000, explicit_start=True
    )
    return text
