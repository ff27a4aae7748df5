"""Shell scripts that start replicas of engines without a cluster manager."""

from __future__ import annotations

import shlex

from scheduling.models.serving.plan import ServingPlan
from scheduling.planner.emit import sglang, vllm
from scheduling.planner.emit.flags import engine
from scheduling.planner.emit.shape import Part

PORT = 8000
_RANK, _LEADER = "$NODE_RANK", "$LEADER_ADDRESS"
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
            *vllm.server_words(part, PORT),
            *vllm.layout_words(part),
            *vllm.engine_words(part),
            *vllm.node_words(part, _RANK, _LEADER),
        ]
        headless = _HEADLESS.format(flag=" ".join(vllm.headless_words()))
        texts[f"{part.name}.sh"] = _script(plan, part, "vllm", words, headless)
    return texts


def sglang_files(plan: ServingPlan, parts: tuple[Part, ...]) -> dict[str, str]:
    """Write a script for each component that starts a node of a replica with SGLang."""
    texts = {}
    for part in parts:
        words = [
            "python3",
            "-m",
            "sglang.launch_server",
            *sglang.server_words(part, PORT),
            *sglang.engine_words(part),
            *sglang.node_words(part, _RANK, _LEADER),
        ]
        texts[f"{part.name}.sh"] = _script(plan, part, "sglang", words, "")
    return texts


def _script(plan: ServingPlan, part: Part, name: str, words: list[str], headless: str) -> str:
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
        "set -eu",
    ]
    body = "\n".join(head) + "\n"
    if part.nodes > 1:
        body += _JOIN.format(last=part.nodes - 1) + headless
    return body + f'exec {_command(words)} "$@"\n'


def _line(text: str) -> str:
    return " ".join(text.split())


def _command(words: list[str]) -> str:
    """Quote a command, a flag a line; the variables of nodes stay open."""
    lines: list[str] = []
    for word in words:
        opened = word.startswith((_RANK, _LEADER))
        quoted = f'"{word}"' if opened else shlex.quote(word)
        if word.startswith("--"):
            lines.append(quoted)
        elif lines:
            lines[-1] += f" {quoted}"
        else:
            lines.append(quoted)
    return " \\\n  ".join(lines)
