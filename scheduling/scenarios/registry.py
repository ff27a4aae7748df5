"""The registry of scenarios; each loads when it is run."""

from __future__ import annotations

from importlib import import_module

from scheduling.errors import InputError, did_you_mean
from scheduling.scenarios.scenario import Scenario

_HERE = "scheduling.scenarios"

SCENARIOS = {
    "smtt": f"{_HERE}.smtt",
    "r-constraint": f"{_HERE}.r_constraint",
    "priority-matters": f"{_HERE}.priority_matters",
    "vmr2l": f"{_HERE}.vmr2l",
    "fgd": f"{_HERE}.fgd",
    "glass": f"{_HERE}.glass",
    "jssp-cp-rl": f"{_HERE}.jssp_cp_rl",
    "isbjssp": f"{_HERE}.isbjssp",
    "deepsocs": f"{_HERE}.deepsocs",
    "qlearn-jobs": f"{_HERE}.qlearn_jobs",
    "workflow-dag": f"{_HERE}.workflow_dag",
    "entities": f"{_HERE}.entities",
    "eplb": f"{_HERE}.eplb",
    "elastic-moe": f"{_HERE}.elastic_moe",
    "adrs": f"{_HERE}.adrs",
    "agentcgroup": f"{_HERE}.agentcgroup",
    "node-exclusion": f"{_HERE}.node_exclusion",
    "lifl": f"{_HERE}.lifl",
    "sliwko": f"{_HERE}.sliwko",
    "singularity": f"{_HERE}.singularity",
    "cloudformer": f"{_HERE}.cloudformer",
    "blockllm": f"{_HERE}.blockllm",
    "agentic-tco": f"{_HERE}.agentic_tco",
    "pd-serve": f"{_HERE}.pd_serve",
    "semi-pd": f"{_HERE}.semi_pd",
    "laps": f"{_HERE}.laps",
    "sarathi-budget": f"{_HERE}.sarathi_budget",
    "layered-prefill": f"{_HERE}.layered_prefill",
    "stream2llm": f"{_HERE}.stream2llm",
    "batchllm": f"{_HERE}.batchllm",
    "vattention": f"{_HERE}.vattention",
    "jitserve": f"{_HERE}.jitserve",
    "dllm-serve": f"{_HERE}.dllm_serve",
    "fastswitch": f"{_HERE}.fastswitch",
    "comet": f"{_HERE}.comet",
    "once-for-all": f"{_HERE}.once_for_all",
    "reasoning-study": f"{_HERE}.reasoning_study",
    "burstgpt": f"{_HERE}.burstgpt",
    "splitwise": f"{_HERE}.splitwise",
    "distserve": f"{_HERE}.distserve",
    "apex-plus": f"{_HERE}.apex_plus",
    "wrp": f"{_HERE}.wrp",
    "flowprefill": f"{_HERE}.flowprefill",
    "past-future": f"{_HERE}.past_future",
    "sarathi": f"{_HERE}.sarathi",
    "opflow": f"{_HERE}.opflow",
    "twill": f"{_HERE}.twill",
    "xllm": f"{_HERE}.xllm",
    "llumnix": f"{_HERE}.llumnix",
    "pd-forwarding": f"{_HERE}.pd_forwarding",
    "infinite-llm": f"{_HERE}.infinite_llm",
    "cold-starts": f"{_HERE}.cold_starts",
    "dualmap": f"{_HERE}.dualmap",
    "cake": f"{_HERE}.cake",
    "v0-router": f"{_HERE}.v0_router",
    "mergepipe": f"{_HERE}.mergepipe",
    "turn-budget": f"{_HERE}.turn_budget",
    "bac": f"{_HERE}.bac",
    "flowcache": f"{_HERE}.flowcache",
    "uwfq": f"{_HERE}.uwfq",
    "malloc": f"{_HERE}.malloc",
    "oomb": f"{_HERE}.oomb",
    "cxl": f"{_HERE}.cxl",
    "harmonia": f"{_HERE}.harmonia",
    "fsmoe": f"{_HERE}.fsmoe",
    "d2moe": f"{_HERE}.d2moe",
    "apex-hybrid": f"{_HERE}.apex_hybrid",
    "tpi-llm": f"{_HERE}.tpi_llm",
    "hybrimoe": f"{_HERE}.hybrimoe",
    "moe-lrc": f"{_HERE}.moe_lrc",
    "expertflow": f"{_HERE}.expertflow",
    "dems": f"{_HERE}.dems",
    "chunkflow": f"{_HERE}.chunkflow",
    "roundpipe": f"{_HERE}.roundpipe",
    "fedcompass": f"{_HERE}.fedcompass",
    "asyncflow": f"{_HERE}.asyncflow",
    "bytescale": f"{_HERE}.bytescale",
    "offload": f"{_HERE}.offload",
    "reft": f"{_HERE}.reft",
    "datastates": f"{_HERE}.datastates",
    "bytecheckpoint": f"{_HERE}.bytecheckpoint",
    "continuum": f"{_HERE}.continuum",
    "thunderagent": f"{_HERE}.thunderagent",
    "saga": f"{_HERE}.saga",
    "kvshare": f"{_HERE}.kvshare",
    "icecache": f"{_HERE}.icecache",
    "cache-craft": f"{_HERE}.cache_craft",
    "polar": f"{_HERE}.polar",
    "semantic-cache": f"{_HERE}.semantic_cache",
    "kvflow": f"{_HERE}.kvflow",
    "hexgen-sql": f"{_HERE}.hexgen_sql",
    "kv-study": f"{_HERE}.kv_study",
    "spray": f"{_HERE}.spray",
    "pccl": f"{_HERE}.pccl",
}
"""Name to the module that has it as ``SCENARIO``."""


def scenario(name: str) -> Scenario:
    """Load a scenario by name.

    Raises
    ------
    InputError
        When there is none of that name; it lists those there are.
    """
    if name not in SCENARIOS:
        expected = f"one of: {', '.join(SCENARIOS)}{did_you_mean(name, SCENARIOS)}"
        raise InputError.single("scenario", repr(name), expected)
    found: Scenario = import_module(SCENARIOS[name]).SCENARIO
    return found
