"""TPI-LLM: a sliding window of layers in memory, loaded from disk while others are computed.

Devices with little memory keep a window of blocks and load the next ones while they compute and
exchange activations. Where loading a block takes no longer than computing one and its exchanges, a
small window hides all of it. Here the run is simulated block by block for every window, and the
least one whose time per token is that of the busier of disk and processor is found: none is faster.

Known by its abstract; inferred: Llama-2-70B in two bytes over 8 devices, blocks of attention and of
feed-forward layers in turn, and the bandwidths of ``DEVICES``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from scheduling.instances.loop.layer_windows import CYCLES_PER_SECOND, layer_window
from scheduling.models.loop.solution import LoopSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_LAYERS = 80
_RANKS = 8
_ATTENTION = 2 * (2 * 8192 * 8192 + 2 * 8192 * 1024) / _RANKS
_FEED_FORWARD = 2 * 3 * 8192 * 28672 / _RANKS
_TOKENS = 3


@dataclass(frozen=True)
class Device:
    """What a device reads from disk and from memory, bytes a second, and an all-reduce takes."""

    name: str
    disk: float
    memory: float
    exchange: float


DEVICES = (
    Device("laptops on Wi-Fi", 3.0e9, 8e9, 0.05),
    Device("small servers on Ethernet", 3.0e9, 40e9, 0.004),
)


def blocks(device: Device) -> tuple[list[float], list[float], list[float]]:
    """Return bytes, seconds to load and seconds to compute of each block, exchange included."""
    sizes = [_ATTENTION, _FEED_FORWARD] * _LAYERS
    return (
        sizes,
        [size / device.disk for size in sizes],
        [size / device.memory + device.exchange for size in sizes],
    )


def per_token(load: list[float], compute: list[float], window: int) -> float:
    """Simulate tokens one after the other; return the seconds of the last one.

    A block is loaded once the disk is free and the block that was ``window`` before it has been
    computed, as that makes room; it is computed behind the one before it. With window 1 nothing
    overlaps.
    """
    count = len(load)
    disk = done = 0.0
    ends: list[float] = []
    for number in range(_TOKENS * count):
        room = ends[number - window] if number >= window else 0.0
        disk = max(disk, room) + load[number % count]
        done = max(done, disk) + compute[number % count]
        ends.append(done)
    return ends[-1] - ends[-1 - count]


def most_bytes(sizes: list[float], window: int) -> float:
    """Return the largest sum of the sizes of a window of blocks in a row."""
    twice = sizes + sizes
    return max(sum(twice[first : first + window]) for first in range(len(sizes)))


def least_window(load: list[float], compute: list[float]) -> int:
    """Return the least window that is as fast as the busier of disk and processor allows."""
    bound = max(sum(load), sum(compute))
    for window in range(1, len(load)):
        if per_token(load, compute, window) <= bound * (1 + 1e-9):
            return window
    return len(load)


def run(limits: Run) -> list[Row]:
    """Find the least window of each kind of device."""
    return [row for device in DEVICES for row in _rows(device, limits.seconds / len(DEVICES))]


def as_loop(device: Device, megabytes: float, seconds: float) -> LoopSolution:
    """Solve a layer as a loop whose blocks in memory take no more than some megabytes."""
    problem = layer_window(
        attention_megabytes=_ATTENTION / 1e6,
        feed_forward_megabytes=_FEED_FORWARD / 1e6,
        disk_rate=device.disk / 1e9,
        memory_rate=device.memory / 1e9,
        exchange=1e3 * device.exchange,
        window=megabytes,
    )
    return cast("LoopSolution", solve(problem, time_limit=max(1.0, seconds)))


def _rows(device: Device, seconds: float) -> list[Row]:
    sizes, load, compute = blocks(device)
    window = least_window(load, compute)
    bound = max(sum(load), sum(compute))
    hidden = sum(load) <= sum(compute)
    held = most_bytes(sizes, window)
    loop = as_loop(device, 1.001 * held / 1e6, seconds)
    token = (loop.interval or 0) * _LAYERS / CYCLES_PER_SECOND
    return [
        Row(
            case=f"{device.name}, {_RANKS} devices",
            measure="seconds a token",
            baseline="load, then compute",
            baseline_value=per_token(load, compute, 1),
            method=f"window of {window} blocks",
            value=per_token(load, compute, window),
            gap=max(0.0, 1.0 - bound / per_token(load, compute, window)),
            published="over 80 % less time a token than Accelerate",
            verdict="loading is hidden" if hidden else "the disk is the bound",
        ),
        Row(
            case=f"{device.name}, {_RANKS} devices",
            measure="GB of weights in memory of a device",
            baseline="all blocks",
            baseline_value=sum(sizes) / 1e9,
            method=f"window of {window} blocks",
            value=held / 1e9,
            gap=None,
            published="3.1 GB for Llama-2-70B",
            verdict="least window without loss of time",
        ),
        Row(
            case=f"{device.name}, a layer as a loop",
            measure="seconds a token",
            baseline="load, then compute",
            baseline_value=per_token(load, compute, 1),
            method="auto, times rounded up to milliseconds",
            value=token,
            gap=loop.tiers[0].gap,
            published="over 80 % less time a token than Accelerate",
            verdict="proven for any order of loads" if loop.tiers[0].closed else "not proven",
        ),
    ]


SCENARIO = Scenario(
    name="tpi-llm",
    system="TPI-LLM: 70B-scale models on low-resource edge devices",
    problem="window of layers in memory on edge devices",
    wants="nothing: sizes of Llama-2-70B",
    run=run,
    targets=(Target(("seconds a token",), at_most=1),),
)
