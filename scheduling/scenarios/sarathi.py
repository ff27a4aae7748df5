"""Sarathi-Serve: chunks of prompts beside decodes, iteration for iteration as in Vidur.

Sarathi-Serve (OSDI 2024) bounds the tokens of an iteration: smaller chunks keep iterations short,
so that tokens come evenly, and larger ones bring first tokens earlier. The same 400 conversations
ran in Vidur (commit 7d47513) with one affine cost model and run here: with five budgets of
tokens, two short memories, and under vLLM and Orca. Figures of the paper come from GPUs and are
not compared.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduling.instances.requests.reading import read_requests
from scheduling.models.cost.protocol import Affine, Batch, Line, Minorant, Provenance
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.certify import Certifier
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.admission import Reserve, Watermark
from scheduling.simulator.requests.policies.composition import Orca, PrefillFirst, Sarathi
from scheduling.simulator.requests.policy import Composition

REQUESTS = "vidur_golden/requests-conv400.csv"
GOLDEN = "vidur_golden/golden.json"

RUNS = (
    *(f"sarathi-{tokens}" for tokens in (128, 256, 512, 1024, 2048)),
    "sarathi-512-blocks1200",
    "sarathi-512-blocks800",
    "vllm",
    "vllm-blocks800",
    "orca",
)

_BLOCK = 16
_AMPLE = 128 * 256
_SEQUENCES = 128
_LONGEST = 4096
_CHUNK = 512
_PUBLISHED = "2.6 times the rate of vLLM at the same limits, on GPUs (OSDI 2024)"


COST = Affine(base=0.005, per_token=4e-5, per_kv=3e-8)
"""The cost model that was injected into Vidur."""


@dataclass
class Watched:
    """The cost model, which remembers the longest iteration that it was asked for."""

    affine: Affine = COST
    longest: float = 0.0

    def seconds(self, batch: Batch) -> float:
        """Return the time of one iteration."""
        found = self.affine.seconds(batch)
        self.longest = max(self.longest, found)
        return found

    def provenance(self, batch: Batch) -> Provenance:
        """Tell that it is a formula."""
        return self.affine.provenance(batch)

    def line(self, batch: Batch) -> Line | None:
        """Tell of no line, so that every iteration is asked for."""
        del batch
        return None

    def minorants(self, most_tokens: int) -> tuple[Minorant, ...]:
        """Return the model itself."""
        return self.affine.minorants(most_tokens)


def run(limits: Run) -> list[Row]:
    """Run what Vidur has run, on its requests."""
    table = read_requests(limits.file("sarathi", REQUESTS)).table
    golden = json.loads(limits.file("sarathi", GOLDEN).read_text(encoding="utf-8"))
    return [row(name, golden[f"conv400-{name}"], table) for name in RUNS]


def row(name: str, known: dict[str, Any], table: RequestTable) -> Row:
    """Run one case and set it beside Vidur's figures."""
    cost = Watched()
    group = _group(cost, known)
    found = simulate_fleet(Deployment((group,)), table)
    certified = {one.objective: one for one in Certifier((group,), {}).certify(found)}
    restarts = int(found.restarts.sum())
    equal = (found.iterations, restarts) == (known["iterations"], known["restarts"])
    makespan = abs(found.makespan_seconds - known["makespan_s"])
    median = float(np.median(found.ttft_seconds))
    verdict = (
        f"{found.iterations} iterations, {restarts} restarts"
        f"{' as in Vidur' if equal else ', other than in Vidur'}; ends within {makespan:.0e} s; "
        f"TTFT p50 {median:.4f} s, longest iteration {cost.longest:.4f} s; makespan "
        f"{_percent(certified['makespan'].gap)} from its bound"
    )
    return Row(
        case=f"{len(table)} conversations, {name}",
        measure="mean seconds to the last token",
        baseline="Vidur",
        baseline_value=float(known["e2e_mean_s"]),
        method=known["scheduler"],
        value=float(found.e2e_seconds.mean()),
        gap=certified["e2e"].gap,
        published=_PUBLISHED if name == "sarathi-512" else None,
        verdict=verdict,
    )


def _group(cost: Watched, known: dict[str, Any]) -> Group:
    options, scheduler = known["options"], known["scheduler"]
    composition: Composition
    if scheduler == "sarathi":
        composition = Sarathi(options.get("chunk_size", _CHUNK))
    else:
        composition = PrefillFirst() if scheduler == "vllm" else Orca()
    return Group(
        "replica",
        cost,
        kv_tokens=_BLOCK * options.get("num_blocks", _AMPLE),
        max_sequences=_SEQUENCES,
        block_size=_BLOCK,
        composition=composition,
        admission=Reserve(_LONGEST) if scheduler == "orca" else Watermark(0.01),
    )


def _percent(gap: float | None) -> str:
    return "an unknown share" if gap is None else f"{gap:.1%}"


SCENARIO = Scenario(
    name="sarathi",
    system="Sarathi-Serve's stall-free batches (OSDI 2024, arXiv 2403.02310)",
    problem="stall-free batches of chunked prefill",
    wants=f"{REQUESTS} and Vidur's figures in {GOLDEN}",
    run=run,
    targets=(Target(("^Vidur$",), at_least=1 - 1e-6, at_most=1 + 1e-6),),
)
