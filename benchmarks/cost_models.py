"""Cost models against measured servers: errors of TTFT and TPOT by engine, with anchors or not.

Reads serving points (``serving_points.csv``: one running server at one concurrency in each row) and
predicts each aggregated row with the roofline, fitted to none of them. A second score calibrates on
one anchor for each model, GPU and engine (the first row at low concurrency) and leaves it out. With
``--tables``, rows are also predicted from operator tables of their GPU and engine, where there are.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from statistics import median

from figures import add_output, write_figures

from scheduling.cli.output import table
from scheduling.errors import InputError
from scheduling.instances.cost.operators import read_operators
from scheduling.models.cost.calibration import Anchor, calibrate
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.closed_loop import ClosedLoop, Latencies
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.efficiency import Efficiency, efficiency_of
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import Llm
from scheduling.models.cost.memory import kv_capacity
from scheduling.models.cost.precision import Dtype, Precision
from scheduling.models.cost.tables import OperatorTable

LOW = 8
"""Concurrency up to which a row counts as low."""

ROUNDS = 10
"""Requests of each client: both public harnesses send ten times the concurrency."""

TARGETS = {"tpot": 20.0, "ttft": 45.0, "tpot low": 15.0, "tpot low anchored": 8.0}
"""Median errors in per cent that are asked for."""

TYPES: tuple[tuple[str, Dtype], ...] = (
    ("fp4", "fp4"),
    ("fp8", "fp8"),
    ("int8", "int8"),
    ("int4", "int4"),
    ("w4", "int4"),
    ("w8", "int8"),
)
"""Types of weights by what the name of a quantisation holds; any other is of 16 bits."""

VARIANT = re.compile(
    r"[-_](fp8|fp4|nvfp4|mxfp4|w4a16|awq|v\d+|\d{4}|instruct|thinking|dynamic|kv)$", re.IGNORECASE
)
"""Endings of names of checkpoints that are shaped like the model without them."""


@dataclass(frozen=True)
class Row:
    """One measured server."""

    llm: Llm
    gpu: Gpu
    engine: str
    layout: Layout
    precision: Precision
    loop: ClosedLoop
    ttft: float
    tpot: float

    @property
    def group(self) -> tuple[str, str, str]:
        """What an anchor stands for."""
        return self.llm.name, self.gpu.name, self.engine

    @property
    def low(self) -> bool:
        """Whether its concurrency is low."""
        return self.loop.clients <= LOW

    def latencies(self, terms: Efficiency, profile: OperatorTable | None = None) -> Latencies:
        """Predict it with given efficiency terms, and from a table of operators."""
        cost = replica_cost(
            self.llm, self.gpu, self.layout, self.precision, profile=profile, terms=terms
        )
        return self.loop.latencies(cost)

    @cached_property
    def predicted(self) -> Latencies:
        """Predict it with the terms of its engine."""
        return self.latencies(efficiency_of(self.engine))


def number(row: dict[str, str], name: str) -> int:
    """Read a count; 0 where it is not given."""
    return int(float(row[name])) if row.get(name) else 0


def clients(row: dict[str, str]) -> int:
    """Read the requests in flight: the batch where the client's own number is not given."""
    return number(row, "concurrency") or number(row, "batch_size")


def layout(row: dict[str, str], model: Llm) -> Layout:
    """Read a layout.

    Exports of InferenceX write servers of ``g`` GPUs with expert parallelism over all of them as
    ``g`` both ways of the experts and ``g * g`` ways of attention.
    """
    tp, dp = max(1, number(row, "tp_size")), number(row, "attention_dp_size")
    pp = max(1, number(row, "pp_size"))
    if model.experts is None:
        return Layout(tp=tp, pp=pp, dp=max(1, dp))
    split, groups = max(1, number(row, "moe_tp_size")), max(1, number(row, "moe_ep_size"))
    if not row["origin"].startswith("nvidia") and split == groups > 1:
        return Layout(tp=1, dp=groups, ep=groups) if dp > 1 else Layout(tp=tp // groups, ep=groups)
    if not dp:
        dp = max(1, split * groups // tp)
    ep = groups if tp * dp % groups == 0 else 1
    return Layout(tp=tp, pp=pp, dp=dp, ep=ep)


def precision(row: dict[str, str], model: Llm, card: Gpu) -> Precision:
    """Read types; operands are as narrow as the weights where the GPU has that type.

    Weights published in 4 bits other than NVFP4 (MXFP4) are made for operands of 8 or 16 bits.
    TensorRT-LLM keeps KV in 8 bits where weights are narrow, and so do InferenceX's recipes for
    SGLang on Blackwell.
    """
    quantised = row.get("gemm_quant_mode") or row.get("precision") or ""
    weights = next((dtype for part, dtype in TYPES if part in quantised), "bf16")
    compute: Dtype = weights
    if weights == "fp4" and model.native == "fp4" and "nvfp4" not in model.name:
        compute = "fp8" if card.flop_rate("fp4") else "bf16"
    elif card.flop_rate(weights) is None:
        compute = "bf16"
    narrow = weights != "bf16" and (row["backend"] == "trtllm" or polls(row, card))
    narrow = narrow and card.flop_rate("fp8") is not None
    return Precision(weights=weights, compute=compute, kv="fp8" if narrow else "bf16")


def polls(row: dict[str, str], card: Gpu) -> bool:
    """Tell whether a row is of InferenceX's recipes for SGLang on Blackwell.

    They look for new requests every 10 iterations, every 30 from a concurrency of 16 on.
    """
    fixed = row["origin"].startswith("nvidia")
    return row["backend"] == "sglang" and not fixed and card.flop_rate("fp4") is not None


def read(path: Path) -> tuple[list[Row], dict[str, int]]:
    """Read the aggregated rows; those that cannot be described are counted by reason."""
    rows: list[Row] = []
    skipped: dict[str, int] = defaultdict(int)
    with path.open(newline="") as file:
        for record in csv.DictReader(file):
            if record["mode"] != "agg":
                continue
            if not clients(record) or not float(record["tpot_ms"] or 0) > 0:
                skipped["no concurrency or TPOT"] += 1
                continue
            try:
                rows.append(described(record))
            except InputError as error:
                skipped[error.faults[0].found] += 1
    return rows, dict(skipped)


def model_of(name: str) -> Llm:
    """Return a model of the catalogue, or the one that a checkpoint of it was made from."""
    try:
        return llm(name)
    except InputError:
        shorter = VARIANT.sub("", name.rsplit("/", 1)[-1])
        if shorter == name:
            raise
        return model_of(shorter)


def described(record: dict[str, str]) -> Row:
    """Describe a measured server; raises where model or GPU is in no catalogue."""
    model, card = model_of(record["model_path"]), gpu(record["system"].removesuffix("_sxm"))
    spread, types = layout(record, model), precision(record, model, card)
    prompt, output = number(record, "isl"), number(record, "osl")
    capacity = kv_capacity(model, card, spread, types)
    most = None if capacity is None else max(1, capacity // (prompt + output))
    loop = ClosedLoop(
        clients(record),
        prompt,
        output,
        mixed=record["backend"] != "sglang",
        in_step=record["origin"].startswith("nvidia"),
        rounds=ROUNDS,
        sequences=most,
        poll=(30 if clients(record) >= 16 else 10) if polls(record, card) else 1,
    )
    times = float(record["ttft_ms"]) / 1e3, float(record["tpot_ms"]) / 1e3
    return Row(model, card, record["backend"], spread, types, loop, *times)


def tpot_with(row: Row, terms: Efficiency) -> float:
    """Predict a row's TPOT with given efficiency terms."""
    return row.latencies(terms).tpot_seconds


def anchored(rows: list[Row]) -> tuple[int, list[float]]:
    """Errors of TPOT at low concurrency after calibration on one row of each group."""
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.low:
            groups[row.group].append(row)
    errors: list[float] = []
    for members in groups.values():
        first, others = members[0], members[1:]
        anchor = Anchor(" ".join(first.group), first.tpot, partial(tpot_with, first))
        fitted = calibrate([anchor], efficiency_of(first.engine)).terms
        errors += [abs(row.latencies(fitted).tpot_seconds / row.tpot - 1) for row in others]
    return len(groups), errors


def percent(errors: Iterable[float]) -> float | None:
    """Median error in per cent; ``None`` of nothing."""
    kept = list(errors)
    return 100 * median(kept) if kept else None


Tables = dict[tuple[str, str], OperatorTable]
"""Operator tables by GPU and engine."""


def tables_in(folder: Path) -> Tables:
    """Read the Parquet tables of a folder; of several versions of an engine the last by name."""
    found: Tables = {}
    for file in sorted(folder.glob("*_gemm.parquet")):
        prefix = file.name.removesuffix("_gemm.parquet")
        system, engine = prefix.rsplit("_", 1)
        key = gpu(system.removesuffix("_sxm")).name, engine.partition("-")[0]
        found[key] = read_operators(folder / prefix)
    return found


def by_table(rows: list[Row], tables: Tables) -> dict[str, float | int | None]:
    """Errors of the rows that have a table."""
    pairs = [
        (row, row.latencies(efficiency_of(row.engine), table))
        for row in rows
        if (table := tables.get((row.gpu.name, row.engine))) is not None
    ]
    return {
        "table rows": len(pairs),
        "tpot roofline": percent(abs(r.predicted.tpot_seconds / r.tpot - 1) for r, _ in pairs),
        "tpot table": percent(abs(found.tpot_seconds / row.tpot - 1) for row, found in pairs),
        "ttft table": percent(abs(found.ttft_seconds / row.ttft - 1) for row, found in pairs),
    }


def scores(rows: list[Row], tables: Tables) -> dict[str, float | int | None]:
    """Errors of some rows."""
    low = [row for row in rows if row.low]
    return {
        "rows": len(rows),
        "tpot": percent(abs(r.predicted.tpot_seconds / r.tpot - 1) for r in rows),
        "tpot bias": percent(r.predicted.tpot_seconds / r.tpot for r in rows),
        "ttft": percent(abs(r.predicted.ttft_seconds / r.ttft - 1) for r in rows if r.ttft > 0),
        "ttft bias": percent(r.predicted.ttft_seconds / r.ttft for r in rows if r.ttft > 0),
        "low rows": len(low),
        "tpot low": percent(abs(r.predicted.tpot_seconds / r.tpot - 1) for r in low),
        "tpot low anchored": percent(anchored(rows)[1]),
        **(by_table(rows, tables) if tables else {}),
    }


def shown(value: float | None) -> str:
    """Write a figure of the table."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.1f}"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("points", type=Path, help="serving_points.csv")
    parser.add_argument("--tables", type=Path, help="folder of operator tables of AIConfigurator")
    parser.add_argument("--by-group", action="store_true", help="a line for each model and GPU too")
    add_output(parser)
    arguments = parser.parse_args()
    rows, skipped = read(arguments.points)
    tables = tables_in(arguments.tables) if arguments.tables else {}
    figures = {"all": scores(rows, tables)}
    for engine in sorted({row.engine for row in rows}):
        figures[engine] = scores([row for row in rows if row.engine == engine], tables)
    if arguments.by_group:
        for group in sorted({row.group for row in rows}):
            figures[" ".join(group)] = scores([row for row in rows if row.group == group], tables)
    columns = list(figures["all"])
    lines = [[name, *(shown(found[c]) for c in columns)] for name, found in figures.items()]
    table(["rows of", *columns], [*lines, ["asked", *(str(TARGETS.get(c, "")) for c in columns)]])
    write_figures(arguments.output, {"figures": figures, "skipped": skipped})


if __name__ == "__main__":
    main()
