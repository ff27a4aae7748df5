"""A plan as shell commands: evictions and bindings through the API server's own subresources."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence

from scheduling.models.placement.steps import Step

_HEAD = """\
#!/bin/sh
# Carries out a plan of «scheduling pods», step by step; stops at the first step that fails.
# Evictions go through the eviction subresource, so that disruption budgets are kept; a plain delete
# would bypass them. The controller of an evicted pod makes a new one under a new name, which the
# scheduler places: bind only pods that are pending now.
set -eu
"""


def shell_script(steps: Sequence[Step]) -> str:
    """Return a shell script that carries steps out with kubectl.

    A move is an eviction: starting a pod on its new node first is only possible where its
    controller can be made to surge.
    """
    return _HEAD + "".join(f"{line}\n" for step in steps for line in _lines(step))


def _lines(step: Step) -> Iterator[str]:
    space, name = step.item.split("/", 1)
    metadata = {"name": name, "namespace": space}
    if step.action in ("move", "evict"):
        aim = f", planned next on {step.destination}" if step.destination else ""
        yield f"# {step.action} {step.item} off {step.origin}{aim}"
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
        yield _post(f"/api/v1/namespaces/{space}/pods/{name}/eviction", body)
    else:
        yield f"# start {step.item} on {step.destination}"
        target = {"apiVersion": "v1", "kind": "Node", "name": step.destination}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
        yield _post(f"/api/v1/namespaces/{space}/pods/{name}/binding", body)


def _post(path: str, body: Mapping[str, object]) -> str:
    text = shlex.quote(json.dumps(body))
    return f"printf %s {text} | kubectl create --raw {shlex.quote(path)} -f -"
