"""Parameters of generators: their meanings and ranges, shared by all generators that have one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scheduling.errors import InputError
from scheduling.instances.schedule.taillard import MODULUS

Value = int | float


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a generator.

    Parameters
    ----------
    name
        Name in Python and on the command line.
    default
        Its value unless given; its type is the parameter's type.
    low, high
        Range, both ends included.
    summary
        One line for people.
    """

    name: str
    default: Value
    low: Value
    high: Value
    summary: str

    def value(self, given: str | Value) -> Value:
        """Translate what was given, as a number or as its text.

        Raises
        ------
        InputError
            When it is not a number of the parameter's type and range.
        """
        whole = isinstance(self.default, int)
        try:
            number: Value = int(given) if whole and not isinstance(given, float) else float(given)
        except (ValueError, OverflowError):
            number = math.nan
        sound = not isinstance(given, bool) and self.low <= number <= self.high
        if not sound or (whole and number != int(number)):
            kind = "an integer" if whole else "a number"
            raise InputError.single(
                self.name, repr(given), f"{kind} from {self.low} to {self.high}"
            )
        return int(number) if whole else number


_SIZE = (1, 10**4)
_TIME = (0, 10**6)
_SHARE = (0.0, 1.0)
RANGES: dict[str, tuple[Value, Value, str]] = {
    "jobs": (*_SIZE, "number of jobs"),
    "machines": (*_SIZE, "number of machines"),
    "sets": (1, 10**4, "sets of machines that each job visits one after the other"),
    "operations": (1, 1000, "operations, in shops of each job, in batches of each transaction"),
    "flexibility": (1.0, 1000.0, "mean number of machines per operation"),
    "spread": (*_SHARE, "how far a machine's duration may be from its operation's, as a share"),
    "shortest": (*_TIME, "shortest duration"),
    "longest": (1, 10**6, "longest duration"),
    "shift": (0.0, 1.0, "share of each period in which machines are open; 1: they never close"),
    "period": (1, 10**6, "length of a period of shifts"),
    "cores": (1, 10**4, "number of cores"),
    "users": (1, 10**4, "number of users"),
    "leaves": (2, 10**4, "number of leaves"),
    "spines": (1, 10**4, "number of spines"),
    "sites": (1, 1000, "number of sites"),
    "iterations": (1, 1000, "number of training steps"),
    "staleness": (0, 1000, "steps that the weights of rollouts may be behind"),
    "streams": (0, 1, "0: a stage waits for the whole step before it"),
    "ranks": (1, 10**5, "number of ranks"),
    "servers": (1, 1000, "number of servers"),
    "megabits": (0.01, 1000.0, "mean size of a task"),
    "kilometres": (0.001, 100.0, "largest distance of a user from a server"),
    "sequences": (1, 10**6, "number of sequences"),
    "chunk": (1, 10**9, "tokens of a chunk"),
    "drones": (1, 1000, "number of drones"),
    "batches": (1, 10**4, "batches of each drone, one a second, or of each training step"),
    "early": (0.0, 0.99, "by what share at most runs on the edge end early"),
    "stages": (1, 1000, "stages of a training step, or most of a job"),
    "units": (1, 1000, "number of functional units"),
    "warps": (0, 100, "number of warps; 0: none"),
    "accumulators": (0, 1000, "operations that wait for themselves in the iteration before"),
    "tasks": (1, 2000, "number of tasks"),
    "modes": (1, 100, "modes per task"),
    "nodes": (1, 10**4, "number of nodes"),
    "pods_per_node": (1, 100, "mean number of pods per node"),
    "priorities": (1, 100, "number of priorities"),
    "usage": (0.1, 10.0, "share of the whole capacity that is requested"),
    "resources": (0, 1000, "number of renewable resources"),
    "renewables": (0, 1000, "number of renewable resources"),
    "consumables": (0, 1000, "number of consumable resources"),
    "complexity": (0.0, 100.0, "precedences per task"),
    "factor": (*_SHARE, "mean share of the resources that a task needs"),
    "strength": (*_SHARE, "capacities, from 0 (scarce) to 1 (no conflict)"),
    "stock": (*_SHARE, "stocks, from 0 (scarce) to 1 (enough for everything)"),
    "cycles": (0.0, 100.0, "maximal lags per task"),
    "slack": (0.0, 100.0, "by what share a maximal lag exceeds the longest path"),
    "reservoirs": (0, 1000, "number of reservoirs"),
    "robots": (1, 100, "number of robots"),
    "step": (*_TIME, "travel time between neighbouring stations"),
    "handling": (*_TIME, "time to pick a job up, and to put it down"),
    "families": (1, 1000, "families of operations on each machine"),
    "longest_setup": (*_TIME, "longest setup time between families"),
    "processors": (1, 1000, "number of processors"),
    "alpha": (0.01, 100.0, "shape: small is long, large is wide"),
    "ccr": (0.0, 1000.0, "ratio of communication to computation"),
    "beta": (0.0, 2.0, "range of the costs over processors"),
    "degree": (1, 1000, "most successors that a task draws"),
    "mean": (1, 10**6, "mean cost of a task"),
    "gap": (0.0, 10.0**9, "mean time between two jobs"),
    "noise": (0.0, 5.0, "standard deviation of the logarithm of actual over expected durations"),
    "between": (1.0, 10.0**9, "mean time between two stops of a machine"),
    "repair": (1.0, 10.0**9, "mean length of a stop"),
    "layers": (1, 2000, "layers of tasks; precedences lead from earlier to later ones"),
    "level": (0, 10**6, "number of precedences, none implied by those before it"),
    "downtime": (*_SHARE, "probability of a resource to be down for a while"),
    "windows": (*_SHARE, "probability of a task to have a time window"),
    "disjunctions": (0.0, 100.0, "pairs of tasks that may not overlap, per task"),
    "infeasible": (0, 1, "1: no schedule exists, by construction"),
    "due_range": (*_SHARE, "width of the range of due dates, as a share of all work (RDD)"),
    "lateness": (*_SHARE, "about the share of late jobs (TF)"),
    "gpus": (0, 64, "GPUs of each node"),
    "experts": (1, 10**4, "experts of the layer"),
    "buffers": (1, 10**5, "number of buffers before some are dropped"),
    "times": (1, 10**6, "length of the program"),
    "capacity": (1, 2**30, "KiB that the buffers fill"),
    "waste": (*_SHARE, "share of the buffers that are dropped"),
    "devices": (1, 10**4, "number of devices"),
    "slots": (1, 10**4, "copies of experts on each device"),
    "groups": (1, 10**4, "routing groups of experts"),
    "sigma": (0.0, 5.0, "standard deviation of the logarithm of the loads"),
    "hierarchical": (0, 1, "1: the copies of a group stay on one node"),
    "hosts": (1, 10**4, "number of hosts"),
    "fill": (0.1, 1.0, "share of the cores at which arrivals end"),
    "removed": (*_SHARE, "probability of a small machine to leave"),
    "moves": (0, 10**6, "most machines that may move"),
    "models": (1, 1000, "models served"),
    "types": (1, 100, "types of GPU"),
    "demands": (1, 100, "demands of each model"),
    "objects": (1, 10**5, "objects that there are"),
    "requests": (1, 10**6, "requests of the trace"),
    "memory": (2, 10**9, "tokens of KV memory"),
    "longest_prompt": (1, 10**6, "prompts are from 1 to this many tokens"),
    "longest_answer": (1, 10**5, "answers are from 1 to this many tokens"),
    "last_release": (0, 10**6, "requests are released from 0 to this iteration"),
    "deadlines": (0, 1, "1: requests are due, and as many as can be are to be on time"),
    "load": (0.01, 100.0, "work that comes over time that passes"),
    "operators": (1, 10**6, "operators of each"),
    "leeway": (0.0, 100.0, "most waiting until it is due, as a share of the answer's length"),
    "zipf": (0.0, 10.0, "exponent of the popularity of objects"),
    "deviation": (0.0, 5.0, "standard deviation of the logarithm of sizes and costs; 0: equal"),
    "share": (*_SHARE, "share of everything that there is room for"),
    "transactions": (1, 2000, "transactions of the batch"),
    "keys": (1, 10**5, "keys that operations may touch"),
    "writes": (*_SHARE, "share of the operations with a key that write it"),
    "steps": (2, 10**4, "operations of the program"),
    "weights": (0, 10**4, "constant tensors"),
    "tokens": (0, 10**7, "tokens that experts work on"),
    "claims": (1, 10**5, "claims on the budget"),
    "levels": (1, 10**4, "levels of each claim above the lowest"),
    "uneven": (0.0, 5.0, "how uneven the steps of gains are; 0: gains are concave"),
    "scenarios": (0, 100, "futures that the fleet must serve as well"),
    "clients": (1, 10**4, "number of clients"),
    "fewest": (1, 10**6, "fewest local steps of a round"),
    "most": (1, 10**6, "most local steps of a round"),
    "work": (1, 10**5, "ticks of progress that the job takes"),
    "deadline": (1, 10**5, "ticks until the deadline"),
    "changeover": (0, 10**5, "ticks before an instance makes progress"),
    "width": (1, 10**5, "hidden size of the layer"),
    "ratio": (1, 100, "how much wider experts are inside"),
    "top": (1, 100, "experts of each token"),
    "megabytes": (0.001, 10.0**5, "megabytes of gradients of each layer"),
    "dense": (0.0, 10.0**5, "milliseconds of the rest of a layer, in which links are idle"),
    "parts": (1, 1000, "parts into which tokens are cut"),
    "attention_megabytes": (0.001, 10.0**5, "megabytes of a block of attention"),
    "feed_forward_megabytes": (0.001, 10.0**5, "megabytes of a block of feed-forward weights"),
    "disk_rate": (0.01, 1000.0, "gigabytes a second from disk"),
    "memory_rate": (0.01, 10.0**4, "gigabytes a second from memory"),
    "exchange": (0.0, 10.0**4, "milliseconds of the all-reduce behind each block"),
    "window": (0.001, 10.0**6, "megabytes of memory for blocks"),
    "lines": (1, 10**5, "rows of the table"),
    "columns": (1, 1000, "fields of the table"),
    "days": (0.01, 10.0**5, "mean days between two failures of a node"),
    "seed": (0, 2**63 - 1, "seed of the random numbers"),
    "time_seed": (1, MODULUS - 1, "seed of the durations"),
    "machine_seed": (1, MODULUS - 1, "seed of the machine orders"),
}
"""Range and meaning of every parameter, by name: a name means the same in all generators."""
