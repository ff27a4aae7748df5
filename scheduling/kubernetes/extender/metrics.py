"""Counts and times of requests, in the text format that Prometheus reads."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator

PREFIX = "scheduling_extender_"

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper ends of the classes of times, in seconds."""

Sample = tuple[str, str, str, float | None]
"""Name, type, help, and value of a single number; ``None`` is left out."""


class Metrics:
    """Requests by verb and status, decisions by verb and reason, and how long requests took."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._decisions: Counter[tuple[str, str]] = Counter()
        self._classes: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}

    def request(self, verb: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests[verb, status] += 1
        classes = self._classes.setdefault(verb, [0] * (len(BUCKETS) + 1))
        classes[bisect_left(BUCKETS, seconds)] += 1
        self._seconds[verb] = self._seconds.get(verb, 0.0) + seconds

    def decision(self, verb: str, reason: str) -> None:
        """Count a decision."""
        self._decisions[verb, reason] += 1

    def text(self, samples: Iterable[Sample]) -> str:
        """Return all counts, and single numbers that are known elsewhere."""
        lines = [*self._counters(), *self._histogram()]
        for name, kind, meaning, value in samples:
            if value is not None:
                lines += [*_head(name, kind, meaning), f"{PREFIX}{name} {value:g}"]
        return "\n".join(lines) + "\n"

    def _counters(self) -> Iterator[str]:
        yield from _head("requests_total", "counter", "Requests answered.")
        for (verb, status), count in sorted(self._requests.items()):
            yield f'{PREFIX}requests_total{{verb="{verb}",code="{status}"}} {count}'
        yield from _head("decisions_total", "counter", "Decisions by what they rest on.")
        for (verb, reason), count in sorted(self._decisions.items()):
            yield f'{PREFIX}decisions_total{{verb="{verb}",reason="{reason}"}} {count}'

    def _histogram(self) -> Iterator[str]:
        name = "request_seconds"
        yield from _head(name, "histogram", "From a request's head to its answer.")
        for verb, classes in sorted(self._classes.items()):
            total = 0
            for end, count in zip((*map(str, BUCKETS), "+Inf"), classes, strict=True):
                total += count
                yield f'{PREFIX}{name}_bucket{{verb="{verb}",le="{end}"}} {total}'
            yield f'{PREFIX}{name}_sum{{verb="{verb}"}} {self._seconds[verb]:.9g}'
            yield f'{PREFIX}{name}_count{{verb="{verb}"}} {total}'


def _head(name: str, kind: str, meaning: str) -> list[str]:
    return [f"# HELP {PREFIX}{name} {meaning}", f"# TYPE {PREFIX}{name} {kind}"]
