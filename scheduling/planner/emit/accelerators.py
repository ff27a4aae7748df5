"""How clusters name GPUs: the resource that pods ask for and the label of nodes that have it."""

from __future__ import annotations

from typing import NamedTuple

from scheduling.errors import UnsupportedError
from scheduling.planner.emit.shape import Part, kubernetes_name


class Accelerator(NamedTuple):
    """A type of GPU in a cluster.

    ``vendor`` is the name that llm-d has for it, ``resource`` what pods ask for, ``label`` and
    ``product`` the label of its nodes.
    """

    vendor: str
    resource: str
    label: str
    product: str


_NVIDIA = ("nvidia", "nvidia.com/gpu", "nvidia.com/gpu.product")
_AMD = ("amd", "amd.com/gpu", "amd.com/gpu.product-name")
_ASCEND = ("ascend", "huawei.com/Ascend910", "accelerator")
_GAUDI = ("intel-gaudi", "habana.ai/gaudi", "scheduling/gpu")

_PRODUCTS = {
    "a100-40gb-sxm": (*_NVIDIA, "NVIDIA-A100-SXM4-40GB"),
    "a100-80gb-sxm": (*_NVIDIA, "NVIDIA-A100-SXM4-80GB"),
    "a100-40gb-pcie": (*_NVIDIA, "NVIDIA-A100-PCIE-40GB"),
    "a100-80gb-pcie": (*_NVIDIA, "NVIDIA-A100-80GB-PCIe"),
    "a30": (*_NVIDIA, "NVIDIA-A30"),
    "a10": (*_NVIDIA, "NVIDIA-A10"),
    "t4": (*_NVIDIA, "Tesla-T4"),
    "h100-sxm": (*_NVIDIA, "NVIDIA-H100-80GB-HBM3"),
    "h100-pcie": (*_NVIDIA, "NVIDIA-H100-PCIe"),
    "h100-nvl": (*_NVIDIA, "NVIDIA-H100-NVL"),
    "h20": (*_NVIDIA, "NVIDIA-H20"),
    "h200-sxm": (*_NVIDIA, "NVIDIA-H200"),
    "b200-sxm": (*_NVIDIA, "NVIDIA-B200"),
    "gb200": (*_NVIDIA, "NVIDIA-GB200"),
    "gb300": (*_NVIDIA, "NVIDIA-GB300"),
    "l4": (*_NVIDIA, "NVIDIA-L4"),
    "l40s": (*_NVIDIA, "NVIDIA-L40S"),
    "mi300x": (*_AMD, "AMD_Instinct_MI300X_OAM"),
    "ascend-910b": (*_ASCEND, "huawei-Ascend910"),
}
_VENDORS = {"mi": _AMD, "ascend": _ASCEND, "gaudi": _GAUDI}
_OWN_LABEL = "scheduling/gpu"

_GENERATIONS = {
    "t4": "turing",
    "a10": "ampere",
    "a30": "ampere",
    "l4": "ampere",  # engines choose for Ada as for Ampere
    "h100": "hopper",
    "h20": "hopper",
    "b200": "blackwell",
    "b300": "blackwell",
    "gb200": "blackwell",
    "gb300": "blackwell",
    "rtx-pro": "blackwell of workstations",
    "mi300": "cdna 3",
    "mi325": "cdna 3",
    "mi355": "cdna 4",
}
"""Beginnings of the names of GPUs for which engines choose kernels alike."""


def accelerator(gpu: str) -> Accelerator:
    """Return how clusters name a type of GPU.

    The products are those that the device plugins' feature discovery puts on nodes. Other types
    are told by the label ``scheduling/gpu`` with the type's name, which their nodes must be given.
    """
    known = _PRODUCTS.get(gpu.lower())
    if known is not None:
        return Accelerator(*known)
    families = [family for start, family in _VENDORS.items() if gpu.lower().startswith(start)]
    vendor, resource, _ = families[0] if families else _NVIDIA
    return Accelerator(vendor, resource, _OWN_LABEL, kubernetes_name(gpu, 63))


def node_selector(part: Part) -> dict[str, str]:
    """Return the labels of nodes that a component's pods may run on."""
    named = accelerator(part.component.gpu)
    return {named.label: named.product}


def resources(part: Part) -> dict[str, dict[str, str]]:
    """Return the GPUs that one pod asks for."""
    count = {accelerator(part.component.gpu).resource: str(part.gpus)}
    return {"limits": count, "requests": dict(count)}


def generations(part: Part) -> frozenset[str]:
    """Return the generations of GPUs among which a component's replicas hand on KV blocks.

    GPUs of one generation have the same kernels of attention by default. Others may keep KV blocks
    in other layouts.

    Raises
    ------
    UnsupportedError
        When they are of several makers.
    """
    makers = {accelerator(gpu).vendor for gpu in part.partners}
    if len(makers) > 1:
        message = (
            f"component {part.name}: engines hand no KV blocks between GPUs of several makers, "
            f"here {', '.join(sorted(part.partners))}; plan with mode aggregated, or with GPUs of "
            "one maker for the model"
        )
        raise UnsupportedError(message)
    return frozenset(map(_generation, part.partners))


def _generation(gpu: str) -> str:
    """Return the generation of a type of GPU; types that are not known are their own."""
    name = gpu.lower()
    known = (found for start, found in _GENERATIONS.items() if name.startswith(start))
    return next(known, name)
