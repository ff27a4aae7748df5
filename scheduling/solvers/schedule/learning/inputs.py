"""What a learned priority rule sees of a decision; every number keeps its size in larger shops.

Below, ``unit`` is the mean duration of all operations, ``left`` what the lower bound of the
makespan leaves of the time from now on, and a machine's ``load`` its work that has not started.
"""

from __future__ import annotations

SITUATION = {
    "progress": "now over the bound",
    "machine_load": "load of the machine over left",
    "rivals": "candidates of the machine, at most 20, over 10",
    "queued_share": "work of the candidates over the load of the machine",
}
"""Inputs that are the same for all candidates of a decision."""

CANDIDATE = {
    "duration": "duration over unit",
    "duration_over_mean": "duration less the mean of the candidates, over unit",
    "remaining": "work of the job from the operation on, over left",
    "remaining_over_mean": "the same less the mean of the candidates, over left",
    "operations_left": "operations of the job from this on, over the mean length of a job",
    "waited": "time waited, over 4 units",
    "idle": "time until it arrives, over unit",
    "flow_due": "share of the job's work done with it, which orders as FDD/MWKR does",
    "slack": "left less remaining work, over unit and the mean length of a job",
    "next_duration": "duration of the job's next operation, over unit",
    "next_queue": "work of the candidates of the next machine, over 4 units",
    "next_busy": "time for which the next machine is busy beyond the operation, over unit",
    "next_load": "load of the next machine over left",
    "bottleneck_work": "remaining work weighted by the loads of its machines, over left",
    "last": "1 for the last operation of a job",
}
"""Inputs that describe a candidate."""

INPUTS = (*SITUATION, *CANDIDATE)
"""Names of all inputs, in the order of the network's weights."""


def n_weights(units: int) -> int:
    """Return how many weights a network with so many hidden units has.

    They are those of its linear part and then, for each unit, those of the inputs, the unit's
    constant, and the weight of its output.
    """
    return len(INPUTS) + units * (len(INPUTS) + 2)
