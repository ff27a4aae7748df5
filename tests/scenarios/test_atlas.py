"""The atlas: every published system that the project reproduces, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from scheduling.scenarios.registry import SCENARIOS

SYSTEMS = """
smtt r-constraint isbjssp jssp-cp-rl deepsocs twill malloc opflow glass entities qlearn-jobs
workflow-dag offload dems uwfq fedcompass asyncflow priority-matters vmr2l fgd sliwko lifl
eplb adrs elastic-moe singularity node-exclusion agentcgroup blockllm cold-starts
cloudformer harmonia distserve splitwise pd-serve semi-pd apex-plus xllm laps wrp
agentic-tco sarathi-budget apex-hybrid tpi-llm comet once-for-all reasoning-study burstgpt
sarathi layered-prefill flowprefill past-future jitserve batchllm fastswitch dllm-serve
stream2llm hexgen-sql continuum kvflow saga thunderagent kvshare cache-craft icecache cake
semantic-cache infinite-llm vattention kv-study polar llumnix dualmap pd-forwarding
v0-router turn-budget expertflow hybrimoe d2moe moe-lrc fsmoe chunkflow bytescale roundpipe
reft datastates bytecheckpoint oomb cxl mergepipe bac flowcache spray pccl
"""


def test_the_registry_has_exactly_the_published_systems() -> None:
    assert sorted(SCENARIOS) == sorted(SYSTEMS.split())


def test_the_documentation_has_a_row_for_each() -> None:
    table = Path(__file__).parents[2] / "docs" / "atlas-table.md"
    rows = re.findall(r"^\| \*\*(.+?)\*\*:", table.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(SCENARIOS)
