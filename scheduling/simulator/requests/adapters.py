"""Adapters (LoRA) of an instance: which are loaded, who uses them, and what they cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from scheduling.errors import Fault, InputError
from scheduling.simulator.requests.live import Live

Dropping = Literal["least-recent", "least-used"]
"""Which adapter gives its place to another: the one used longest ago, or by the fewest requests."""

NONE = -1
"""The base model alone."""


@dataclass(frozen=True, slots=True)
class AdapterMemory:
    """Places for adapters on one instance, beside its KV memory.

    A request begins where its adapter is loaded, or loads it into a free place or that of one which
    no running request uses; the next iteration waits for it. Adapters of a batch are computed one
    after the other beside the model.

    Parameters
    ----------
    of
        Adapter of each row of the table's demands; -1: the base model alone.
    slots
        Adapters that are loaded at a time.
    load_seconds
        To load one.
    each_seconds
        What each adapter of a batch adds to its iteration.
    drops
        Which one gives its place.

    Raises
    ------
    InputError
        For less than a place, or times that are none.
    """

    of: tuple[int, ...]
    slots: int
    load_seconds: float
    each_seconds: float = 0.0
    drops: Dropping = "least-recent"

    def __post_init__(self) -> None:
        faults = []
        if self.slots < 1:
            faults.append(Fault("adapters.slots", str(self.slots), "at least 1"))
        for name in ("load_seconds", "each_seconds"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                faults.append(Fault(f"adapters.{name}", str(value), "a time"))
        if faults:
            raise InputError(faults)


class Adapters:
    """The adapters that are loaded on an instance.

    Parameters
    ----------
    memory
        Places for them.
    """

    def __init__(self, memory: AdapterMemory) -> None:
        self.memory = memory
        self._users: Counter[int] = Counter()
        self._ever: Counter[int] = Counter()
        self._loaded: dict[int, None] = {}

    def has(self, request: Live) -> bool:
        """Tell whether a request would find its adapter here."""
        adapter = self.memory.of[request.demand]
        return adapter == NONE or adapter in self._loaded

    def fits(self, request: Live) -> bool:
        """Tell whether its adapter is here, or can be loaded now."""
        return self.has(request) or self._place() is not None

    def begin(self, request: Live) -> bool:
        """Let a request use its adapter; return whether that has to be loaded."""
        adapter = self.memory.of[request.demand]
        if adapter == NONE:
            return False
        missing = adapter not in self._loaded
        if missing:
            given = self._place()
            if given is not None and given != NONE:
                del self._loaded[given]
        else:
            del self._loaded[adapter]
        # Behind all others stands what was used last.
        self._loaded[adapter] = None
        self._users[adapter] += 1
        self._ever[adapter] += 1
        return missing

    def leave(self, request: Live) -> None:
        """Note that a request runs here no longer."""
        adapter = self.memory.of[request.demand]
        if adapter != NONE:
            self._users[adapter] -= 1

    def seconds(self, batch: Iterable[Live]) -> float:
        """Return what the adapters of a batch add to its iteration."""
        each = self.memory.each_seconds
        if not each:
            return 0.0
        return each * len({self.memory.of[one.demand] for one in batch} - {NONE})

    def _place(self) -> int | None:
        """Return the adapter that gives its place, -1 for a free one, ``None`` without either."""
        if len(self._loaded) < self.memory.slots:
            return NONE
        idle = [adapter for adapter in self._loaded if not self._users[adapter]]
        if self.memory.drops == "least-used":
            return min(idle, key=lambda adapter: self._ever[adapter], default=None)
        return idle[0] if idle else None
