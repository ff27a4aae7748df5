"""Requests as columns: what a trace is read into and a simulation runs over."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import Fault, InputError

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RequestTable:
    """Requests in order of arrival, one row each.

    Parameters
    ----------
    arrival_ns
        Arrival in nanoseconds from the start of the trace, shape (n,), ascending.
    prompt_tokens, output_tokens
        Tokens of its prompt and of its answer, shape (n,), at least 1.
    demand
        Row of ``demands`` that it belongs to, shape (n,).
    cached_tokens
        Tokens at the head of its prompt whose KV is in the cache when it arrives, shape (n,), below
        ``prompt_tokens``.
    demands
        Names of the classes of requests.
    user
        Row of ``users`` that it comes from, shape (n,), -1 where that is not known; ``None``: it is
        known of none.
    users
        Names of the users.

    Raises
    ------
    InputError
        With every column that breaks this, and its first row that does.
    """

    arrival_ns: Ints
    prompt_tokens: Ints
    output_tokens: Ints
    demand: Ints
    cached_tokens: Ints
    demands: tuple[str, ...] = ("all",)
    user: Ints | None = None
    users: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.arrival_ns)
        columns = ("prompt_tokens", "output_tokens", "demand", "cached_tokens")
        user = np.full(n, -1, dtype=np.int64) if self.user is None else self.user
        odd = [name for name in columns if len(getattr(self, name)) != n]
        odd += ["user"] if len(user) != n else []
        if odd:
            raise InputError([Fault(name, "another length", f"{n} rows") for name in odd])
        late = np.diff(self.arrival_ns, prepend=np.int64(0)) < 0
        rules = (
            ("arrival_ns", late, "ascending from 0"),
            ("prompt_tokens", self.prompt_tokens < 1, "at least 1"),
            ("output_tokens", self.output_tokens < 1, "at least 1"),
            ("demand", (self.demand < 0) | (self.demand >= len(self.demands)), "a demand's row"),
            (
                "cached_tokens",
                (self.cached_tokens < 0) | (self.cached_tokens >= self.prompt_tokens),
                "at least 0 and fewer than its prompt's",
            ),
            ("user", (user < -1) | (user >= len(self.users)), "a user's row, or -1"),
        )
        faults = []
        for name, broken, expected in rules:
            if broken.any():
                row = int(np.argmax(broken))
                found = str(getattr(self, name)[row])
                faults.append(Fault(f"{name}[{row}]", found, expected))
        if faults:
            raise InputError(faults)

    def __len__(self) -> int:
        return len(self.arrival_ns)

    def rows(self, chosen: Ints | NDArray[np.bool_] | slice) -> RequestTable:
        """Return some of the requests, in their order.

        Parameters
        ----------
        chosen
            Ascending row numbers, flags, or a slice.
        """
        columns = ("arrival_ns", "prompt_tokens", "output_tokens", "demand", "cached_tokens")
        taken: dict[str, Ints] = {name: getattr(self, name)[chosen] for name in columns}
        if self.user is not None:
            taken["user"] = self.user[chosen]
        return replace(self, **taken)  # type: ignore[arg-type]

    def first(self, requests: int | None = None, seconds: float | None = None) -> RequestTable:
        """Return the first requests: at most so many, and only those before a time in seconds."""
        count = len(self) if requests is None else min(requests, len(self))
        if seconds is not None:
            count = min(count, int(np.searchsorted(self.arrival_ns, round(seconds * 1e9))))
        return self.rows(slice(count))
