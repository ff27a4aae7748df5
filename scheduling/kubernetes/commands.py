"""A plan as shell commands: evictions and bindings through the API server's own subresources."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence

from scheduling.kubernetes.evictions import Eviction, actions
from scheduling.models.placement.steps import Step

_HEAD = """\
#!/bin/sh
# Carries out a plan of «scheduling pods», step by step; stops at the first step that fails.
# Evictions go through the eviction subresource, so that disruption budgets are kept; a plain delete
# would bypass them. Where a budget refuses, the eviction is tried again every ten seconds for ten
# minutes, until the pods it protects have recovered. The controller of an evicted pod makes a new
# one under a new name, which the scheduler places. So that it does not take the room again that was
# made for others, nodes where room is made are cordoned until the script ends.
set -eu
cordoned=
trap 'for node in $cordoned; do kubectl uncordon "$node" || :; done' EXIT
trap 'exit 1' HUP INT TERM

hold() {
  if [ "$(kubectl get node "$1" -o 'jsonpath={.spec.unschedulable}')" != true ]; then
    kubectl cordon "$1"
    cordoned="$cordoned $1"
  fi
}

evict() {
  tries=0
  until printf %s "$2" | kubectl create --raw "$1" -f -; do
    tries=$((tries + 1))
    if [ "$tries" -ge 60 ]; then exit 1; fi
    sleep 10
  done
}
"""


def shell_script(steps: Sequence[Step], bare: Collection[str] = ()) -> str:
    """Return a shell script that carries steps out with kubectl.

    A move is an eviction: starting a pod on its new node first is only possible where its
    controller can be made to surge. After each eviction the script waits until the pod has left.

    Parameters
    ----------
    steps
        The steps.
    bare
        Pods that no controller makes again, see :func:`~scheduling.kubernetes.evictions.bare_pods`.
    """
    found = list(actions(steps))
    lines = [f"hold {shlex.quote(node)}" for node in _contested(found)]
    lines += [line for action in found for line in _lines(action, bare)]
    return _HEAD + "".join(f"{line}\n" for line in lines)


def _contested(found: Sequence[Eviction | Step]) -> list[str]:
    """Nodes that pods leave for pending ones, and that no evicted pod is to come back to."""
    evicted = [action for action in found if isinstance(action, Eviction)]
    started = [action.destination for action in found if isinstance(action, Step)]
    left = dict.fromkeys(action.origin for action in evicted)
    returning = {action.destination for action in evicted}
    return [node for node in left if node in started and node not in returning]


def _lines(action: Eviction | Step, bare: Collection[str]) -> Iterator[str]:
    space, name = action.item.split("/", 1)
    metadata = {"name": name, "namespace": space}
    path = f"/api/v1/namespaces/{space}/pods/{name}"
    yield ""
    if isinstance(action, Eviction):
        aim = f"; its successor is planned on {action.destination}" if action.destination else ""
        if action.item in bare:
            aim += "; it has no controller, start it again by hand"
        yield f"# evict {action.item} off {action.origin}{aim}"
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
        yield f"evict {shlex.quote(f'{path}/eviction')} {_quoted(body)}"
        pod = f"pod/{shlex.quote(name)} --namespace {shlex.quote(space)}"
        yield f"kubectl wait --for=delete {pod} --timeout=600s"
    else:
        yield f"# start {action.item} on {action.destination}"
        target = {"apiVersion": "v1", "kind": "Node", "name": action.destination}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
        binding = shlex.quote(f"{path}/binding")
        yield f"printf %s {_quoted(body)} | kubectl create --raw {binding} -f -"


def _quoted(body: Mapping[str, object]) -> str:
    return shlex.quote(json.dumps(body))
