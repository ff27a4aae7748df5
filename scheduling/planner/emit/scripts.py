"""Shell scripts that start replicas of engines without a cluster manager."""

from __future__ import annotations

import shlex

from scheduling.models.serving.plan import ServingPlan
from scheduling.planner.emit import sglang, vllm
from scheduling.planner.emit.flags import engine
from scheduling.planner.emit.shape import Part

_PORT, _BOOTSTRAP_PORT = "${PORT:-8000}", "${BOOTSTRAP_PORT:-8998}"
_RANK, _LEADER = "$NODE_RANK", "$LEADER_ADDRESS"
_SIDE_CHANNEL = """\
: "${VLLM_NIXL_SIDE_CHANNEL_HOST:?address of this node, where others ask for its KV blocks}"
export VLLM_NIXL_SIDE_CHANNEL_HOST
"""
_JOIN = """\
: "${{NODE_RANK:?rank of this node in its replica, from 0 to {last}}}"
: "${{LEADER_ADDRESS:?address of the node of rank 0 of the replica}}"
"""
_HEADLESS = """\
if [ "$NODE_RANK" -gt 0 ]; then
  set -- "$@" {flag}
fi
"""


def vllm_files(plan: ServingPlan, parts: tuple[Part, ...]) -> dict[str, str]:
    """Write a script for each component that starts a node of a replica with vLLM."""
    texts = {}
    for part in parts:
        words = [
            "vllm",
            "serve",
            part.weights,
            *vllm.server_words(part, _PORT),
            *vllm.layout_words(part),
            *vllm.engine_words(part),
            *vllm.node_words(part, _RANK, _LEADER),
        ]
        apart = part.component.role != "both"
        ports = ["PORT", *["VLLM_NIXL_SIDE_CHANNEL_PORT"] * apart]
        before = _SIDE_CHANNEL if apart else ""
        if part.nodes > 1:
            before += _join(part) + _HEADLESS.format(flag=" ".join(vllm.headless_words()))
        texts[f"{part.name}.sh"] = _script(plan, part, "vllm", ports, before, words)
    return texts


def sglang_files(plan: ServingPlan, parts: tuple[Part, ...]) -> dict[str, str]:
    """Write a script for each component that starts a node of a replica with SGLang."""
    texts = {}
    for part in parts:
        words = [
            "python3",
            "-m",
            "sglang.launch_server",
            *sglang.server_words(part, _PORT),
            *sglang.engine_words(part),
            *sglang.bootstrap_words(part, _BOOTSTRAP_PORT),
            *sglang.node_words(part, _RANK, _LEADER),
        ]
        ports = ["PORT", *["BOOTSTRAP_PORT"] * (part.component.role == "prefill")]
        before = _join(part) if part.nodes > 1 else ""
        texts[f"{part.name}.sh"] = _script(plan, part, "sglang", ports, before, words)
    return texts


def _join(part: Part) -> str:
    return _JOIN.format(last=part.nodes - 1)


def _script(
    plan: ServingPlan, part: Part, name: str, ports: list[str], before: str, words: list[str]
) -> str:
    """Return the text of a script, with what it demands before the command that it becomes."""
    component = part.component
    head = [
        "#!/bin/sh",
        f"# {name} {engine(name).version}: starts one node of one replica of {part.name}.",
        f"# plan: {_line(plan.name)}",
        f"# gpu: {_line(component.gpu)}",
        f"# role: {component.role}",
        f"# replicas: {component.replicas}",
        f"# nodes per replica: {part.nodes}",
        f"# GPUs per node: {part.gpus}",
        f"# of its own beside others on a node: CUDA_VISIBLE_DEVICES, {', '.join(ports)}",
        "set -eu",
    ]
    return "\n".join(head) + f'\n{before}exec {_command(words)} "$@"\n'


def _line(text: str) -> str:
    return " ".join(text.split())


def _command(words: list[str]) -> str:
    """Quote a command, a flag a line; the variables of nodes and ports stay open."""
    lines: list[str] = []
    for word in words:
        opened = word in (_PORT, _BOOTSTRAP_PORT) or word.startswith((_RANK, _LEADER))
        quoted = f'"{word}"' if opened else shlex.quote(word)
        if word.startswith("--"):
            lines.append(quoted)
        elif lines:
            lines[-1] += f" {quoted}"
        else:
            lines.append(quoted)
    return " \\\n  ".join(lines)
