"""The registry of generators: random and published instances from parameters and a seed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scheduling.errors import Fault, InputError, did_you_mean
from scheduling.instances.allocation.random_claims import allocation
from scheduling.instances.batching.random_batches import batching
from scheduling.instances.caching.random_traces import cache_trace
from scheduling.instances.checkpoint.random_runs import training_run
from scheduling.instances.edge.drone_streams import drone_stream
from scheduling.instances.experts.random_layers import expert_layer
from scheduling.instances.federated.random_clients import federated_clients
from scheduling.instances.loop.layer_windows import layer_window
from scheduling.instances.loop.random_loops import kernel_loop
from scheduling.instances.memory.random_buffers import tensor_buffers
from scheduling.instances.network.random_networks import leaf_flows, site_ring
from scheduling.instances.offload.mobile_tasks import mobile_tasks
from scheduling.instances.ordering.random_batches import transactions
from scheduling.instances.packing.random_lengths import token_sequences
from scheduling.instances.parameters import RANGES, Parameter, Value
from scheduling.instances.pipeline.random_layers import model_layers
from scheduling.instances.placement.random_clusters import random_cluster
from scheduling.instances.placement.random_machines import random_machines
from scheduling.instances.prefill.random_prompts import prompts
from scheduling.instances.schedule.constraint_mix import constraint_mix
from scheduling.instances.schedule.expert_parts import expert_parts
from scheduling.instances.schedule.gradient_exchange import gradient_exchange
from scheduling.instances.schedule.online import online_job_shop
from scheduling.instances.schedule.random_graphs import (
    graph_stream,
    random_task_graph,
    soc_stream,
)
from scheduling.instances.schedule.random_layers import expert_offload
from scheduling.instances.schedule.random_projects import (
    multi_mode_project,
    project,
    project_with_lags,
)
from scheduling.instances.schedule.random_shops import (
    check_size,
    flexible_job_shop,
    flow_shop,
    job_shop,
)
from scheduling.instances.schedule.random_variants import (
    blocking_job_shop,
    no_wait_job_shop,
    permutation_flow_shop,
    reservoir_project,
    setup_job_shop,
)
from scheduling.instances.schedule.robot_cells import robot_cell
from scheduling.instances.schedule.taillard import taillard_job_shop
from scheduling.instances.schedule.tardiness import random_tardiness
from scheduling.instances.schedule.training import post_training, sequence_groups
from scheduling.instances.serving.random_fleets import serving_fleet
from scheduling.instances.sharing.random_jobs import shared_cluster
from scheduling.instances.spot.random_capacity import spot_capacity
from scheduling.instances.table.random_tables import random_table
from scheduling.instances.tiers.random_programs import tensor_program
from scheduling.models.base import Problem


@dataclass(frozen=True, slots=True)
class Generator:
    """A way to make instances.

    Parameters
    ----------
    name
        Name on the command line.
    family
        Kind of the problems it makes.
    summary
        One line for people.
    make
        The function; it takes the parameters by name.
    parameters
        What it takes.
    """

    name: str
    family: str
    summary: str
    make: Callable[..., Problem]
    parameters: tuple[Parameter, ...]


def generate(name: str, parameters: Mapping[str, str | Value] | None = None) -> Problem:
    """Generate an instance.

    Parameters
    ----------
    name
        Name of a generator in :data:`GENERATORS`.
    parameters
        Values by name, as numbers or as their texts; those not given have their default.

    Raises
    ------
    InputError
        When there is no such generator or parameter, or a value is out of range.

    Examples
    --------
    >>> from scheduling.instances.generators import generate
    >>> len(generate("job-shop", {"jobs": 3, "machines": 2, "seed": 1}).tasks)
    6
    """
    if name not in GENERATORS:
        expected = f"one of: {', '.join(GENERATORS)}{did_you_mean(name, GENERATORS)}"
        raise InputError.single("generator", repr(name), expected)
    generator = GENERATORS[name]
    known = {parameter.name: parameter for parameter in generator.parameters}
    faults, values = [], {}
    for key, given in (parameters or {}).items():
        if key not in known:
            expected = f"one of: {', '.join(known)}{did_you_mean(key, known)}"
            faults.append(Fault("parameter", repr(key), expected))
            continue
        try:
            values[key] = known[key].value(given)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    return generator.make(**values)


def _generator(
    name: str,
    make: Callable[..., Problem],
    ranges: Mapping[str, tuple[Value, Value, str]],
    family: str = "schedule",
) -> Generator:
    """Describe a generator; defaults and summary are those of its function."""
    defaults = {
        key: entry.default
        for key, entry in inspect.signature(make).parameters.items()
        if entry.kind is inspect.Parameter.KEYWORD_ONLY
    }
    parameters = tuple(Parameter(key, defaults[key], *ranges[key]) for key in defaults)
    summary = (make.__doc__ or "").split("\n", maxsplit=1)[0].removeprefix("Generate ").rstrip(".")
    return Generator(name, family, summary, make, parameters)


def _taillard(
    *,
    jobs: int = 15,
    machines: int = 15,
    time_seed: int = 840612802,
    machine_seed: int = 398197754,
) -> Problem:
    """Generate a job shop with Taillard's generator (1993); the defaults give ta01."""
    check_size(jobs, machines)
    name = f"taillard {jobs}x{machines} seeds {time_seed} {machine_seed}"
    return taillard_job_shop(jobs, machines, time_seed, machine_seed, name)


GENERATORS: dict[str, Generator] = {
    generator.name: generator
    for generator in (
        _generator("job-shop", job_shop, RANGES),
        _generator("flow-shop", flow_shop, RANGES),
        _generator("flexible-job-shop", flexible_job_shop, RANGES),
        _generator("taillard", _taillard, RANGES),
        _generator("project", project, RANGES),
        _generator("multi-mode-project", multi_mode_project, RANGES),
        _generator("project-with-lags", project_with_lags, RANGES),
        _generator("reservoir-project", reservoir_project, RANGES),
        _generator("setup-job-shop", setup_job_shop, RANGES),
        _generator("no-wait-job-shop", no_wait_job_shop, RANGES),
        _generator("blocking-job-shop", blocking_job_shop, RANGES),
        _generator("robot-cell", robot_cell, RANGES),
        _generator("permutation-flow-shop", permutation_flow_shop, RANGES),
        _generator("task-graph", random_task_graph, RANGES),
        _generator("soc-stream", soc_stream, RANGES),
        _generator("graph-stream", graph_stream, RANGES),
        _generator("online-job-shop", online_job_shop, RANGES, "online-schedule"),
        _generator("constraint-mix", constraint_mix, RANGES),
        _generator("expert-offload", expert_offload, RANGES),
        _generator("expert-parts", expert_parts, RANGES),
        _generator("gradient-exchange", gradient_exchange, RANGES),
        _generator("tardiness", random_tardiness, RANGES),
        _generator("virtual-machines", random_machines, RANGES, "placement"),
        _generator("cluster", random_cluster, RANGES, "placement"),
        _generator("tensor-buffers", tensor_buffers, RANGES, "memory"),
        _generator("tensor-program", tensor_program, RANGES, "tiers"),
        _generator("kernel-loop", kernel_loop, RANGES, "loop"),
        _generator("layer-window", layer_window, RANGES, "loop"),
        _generator("expert-layer", expert_layer, RANGES, "experts"),
        _generator("transactions", transactions, RANGES, "ordering"),
        _generator("allocation", allocation, RANGES, "allocation"),
        _generator("prompts", prompts, RANGES, "prefill"),
        _generator("batching", batching, RANGES, "batching"),
        _generator("cache-trace", cache_trace, RANGES, "caching"),
        _generator("serving-fleet", serving_fleet, RANGES, "serving"),
        _generator("shared-cluster", shared_cluster, RANGES, "sharing"),
        _generator("token-sequences", token_sequences, RANGES, "packing"),
        _generator("mobile-tasks", mobile_tasks, RANGES, "offload"),
        _generator("post-training", post_training, RANGES),
        _generator("sequence-groups", sequence_groups, RANGES),
        _generator("model-layers", model_layers, RANGES, "pipeline"),
        _generator("training-run", training_run, RANGES, "checkpoint"),
        _generator("federated-clients", federated_clients, RANGES, "federated"),
        _generator("spot-capacity", spot_capacity, RANGES, "spot"),
        _generator("random-table", random_table, RANGES, "table"),
        _generator("leaf-flows", leaf_flows, RANGES, "leaf-spine"),
        _generator("site-ring", site_ring, RANGES, "ring"),
        _generator("drone-stream", drone_stream, RANGES, "edge-cloud"),
    )
}
"""All generators by name."""
