"""What every runtime asks of a component: its pods, their GPUs, and names that clusters take."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from scheduling.errors import Fault, InputError, UnsupportedError
from scheduling.models.serving.plan import Component, ServingPlan

_ODD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Part:
    """A component with the shape of its replicas.

    Parameters
    ----------
    component
        The component of the plan.
    nodes
        Nodes of one replica; a pod runs on each.
    gpus
        GPUs of one pod.
    partners
        Types of GPU of all replicas that hand on KV blocks to each other, these among them; none
        where prompts and answers are computed together.
    """

    component: Component
    nodes: int
    gpus: int
    partners: frozenset[str]

    @property
    def name(self) -> str:
        """Name of the component."""
        return self.component.name

    @property
    def weights(self) -> str:
        """Repository or path that the weights come from."""
        return self.component.huggingface or self.component.model

    @property
    def uri(self) -> str:
        """The same with the scheme that says which of the two it is.

        Raises
        ------
        UnsupportedError
            For a path, which says nothing of the volume that it is on.
        """
        if "://" in self.weights:
            return self.weights
        if self.weights.startswith(("/", ".")):
            message = (
                f"component {self.name}: pods do not know the path {self.weights}; name a "
                "repository or a URI such as pvc://CLAIM/PATH"
            )
            raise UnsupportedError(message)
        return f"hf://{self.weights}"

    def per_copy(self, total: int | None) -> int | None:
        """Return the share of one copy of attention in a number of the whole replica."""
        return None if total is None else -(-total // self.component.layout.dp)


def parts_of(plan: ServingPlan) -> tuple[Part, ...]:
    """Split replicas into pods.

    Raises
    ------
    InputError
        When the plan has no component, two of one name, or numbers that contradict each other.
    UnsupportedError
        When a replica does not spread evenly over its nodes.
    """
    faults = []
    if not plan.components:
        faults.append(Fault("components", "none", "at least one"))
    names: set[str] = set()
    total = 0
    for row, component in enumerate(plan.components):
        place = f"components[{row}]"
        if component.name in names:
            faults.append(Fault(f"{place}.name", repr(component.name), "a name of its own"))
        names.add(component.name)
        total += component.gpus
        if component.huggingface is None and "/" not in component.model:
            expected = "the repository or path of its weights"
            faults.append(Fault(f"{place}.huggingface", "nothing", expected))
        for field in ("model", "huggingface"):
            value = getattr(component, field)
            if value is not None and value.startswith("-"):
                expected = "a name that no command line takes for a flag"
                faults.append(Fault(f"{place}.{field}", repr(value), expected))
        budget, batch = component.token_budget, component.max_sequences
        if budget is not None and batch is not None and budget < batch:
            expected = f"at least max_sequences, {batch}: each decodes a token an iteration"
            faults.append(Fault(f"{place}.token_budget", str(budget), expected))
    if total != plan.gpus:
        faults.append(Fault("gpus", str(plan.gpus), f"the sum of its components, {total}"))
    if faults:
        raise InputError(faults)
    partners: dict[str, set[str]] = {}
    for component in plan.components:
        if component.role != "both":
            partners.setdefault(component.model, set()).add(component.gpu)
    return tuple(
        _part(
            component,
            frozenset() if component.role == "both" else frozenset(partners[component.model]),
        )
        for component in plan.components
    )


def _part(component: Component, partners: frozenset[str]) -> Part:
    layout, nodes = component.layout, component.nodes_per_replica
    stages_fit = layout.pp % nodes == 0 or nodes % layout.pp == 0
    if layout.gpus % nodes or not stages_fit:
        message = (
            f"component {component.name}: {layout} does not spread evenly over {nodes} nodes; "
            f"plan with nodes that divide its {layout.gpus} GPUs and its pipeline stages"
        )
        raise UnsupportedError(message)
    part = Part(component, nodes, layout.gpus // nodes, partners)
    for place in component.places:
        if sorted(share.gpus for share in place) != [part.gpus] * nodes:
            message = (
                f"component {component.name}: pods of one replica have equal GPUs, "
                f"{nodes} of {part.gpus}, but its places have others"
            )
            raise UnsupportedError(message)
    return part


def by_model(parts: tuple[Part, ...]) -> dict[str, list[Part]]:
    """Group parts by what they serve: the model and where its weights come from."""
    groups: dict[str, list[Part]] = {}
    for part in parts:
        groups.setdefault(part.component.model, []).append(part)
    return groups


def kubernetes_name(text: str, longest: int = 52) -> str:
    """Turn a text into a DNS label: small letters, digits and hyphens, a letter first.

    Parameters
    ----------
    text
        Any name.
    longest
        Most characters; 52 leaves room for what StatefulSets append. Longer names end with a hash
        of the whole, so different texts stay different.
    """
    plain = _ODD.sub("-", text.lower()).strip("-")
    if not plain or not plain[0].isalpha():
        plain = f"m-{plain}".strip("-")
    if len(plain) <= longest:
        return plain
    return _hashed(plain, text, longest)


def kubernetes_names(texts: Iterable[str], longest: int = 52) -> dict[str, str]:
    """Turn texts into DNS labels as :func:`kubernetes_name` does, each into one of its own."""
    wanted = list(dict.fromkeys(texts))
    plain = {text: kubernetes_name(text, longest) for text in wanted}
    counts = Counter(plain.values())
    return {
        text: name if counts[name] == 1 else _hashed(name, text, longest)
        for text, name in plain.items()
    }


def _hashed(plain: str, text: str, longest: int) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{plain[: longest - 7].strip('-')}-{digest}"
