"""Prompts that come in parts, of which later ones may replace what came before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import Fault, InputError
from scheduling.models.requests.table import RequestTable

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Growth:
    """Parts of prompts after the first, which comes with the request.

    Parameters
    ----------
    first_tokens
        Tokens of each prompt that are known when it comes, shape (requests,).
    rows
        Request of each later part, shape (parts,).
    times_ns
        When it comes, shape (parts,); those of a request ascend, after its arrival.
    tokens
        Tokens of the prompt that are known from then on, shape (parts,). Only the last part of a
        request makes the prompt whole.
    kept
        Tokens at the head of what was known that stay as they were, shape (parts,); what stands
        behind them is replaced.

    Raises
    ------
    InputError
        When columns have different lengths.
    """

    first_tokens: Ints
    rows: Ints
    times_ns: Ints
    tokens: Ints
    kept: Ints

    def __post_init__(self) -> None:
        columns = ("times_ns", "tokens", "kept")
        odd = [name for name in columns if len(getattr(self, name)) != len(self.rows)]
        if odd:
            raise InputError([Fault(name, "another length", "one of each row") for name in odd])

    @property
    def parts(self) -> Ints:
        """Later parts of each request."""
        return np.bincount(self.rows, minlength=len(self.first_tokens))

    def validate(self, table: RequestTable) -> None:
        """Refuse parts that do not fit the requests.

        Raises
        ------
        InputError
            With the first part that does not.
        """
        if len(self.first_tokens) != len(table):
            found = f"{len(self.first_tokens)} requests"
            raise InputError.single("growth", found, f"{len(table)} as in the table")
        left = self.parts.tolist()
        known, time = self.first_tokens.tolist(), table.arrival_ns.tolist()
        prompts, cached = table.prompt_tokens.tolist(), table.cached_tokens.tolist()
        for row, tokens in enumerate(known):
            whole = tokens == prompts[row]
            if not 1 <= tokens <= prompts[row] or whole == bool(left[row]) or cached[row]:
                expected = "tokens of its first part, none of them cached"
                raise InputError.single(f"first_tokens[{row}]", str(tokens), expected)
        for part, row in enumerate(self.rows.tolist()):
            left[row] -= 1
            at, tokens, kept = (
                int(column[part]) for column in (self.times_ns, self.tokens, self.kept)
            )
            limit = prompts[row] if not left[row] else prompts[row] - 1
            if at <= time[row]:
                raise InputError.single(f"times_ns[{part}]", str(at), f"more than {time[row]}")
            if tokens > limit or (not left[row] and tokens < limit):
                raise InputError.single(f"tokens[{part}]", str(tokens), f"at most {limit}")
            if not 0 <= kept <= min(tokens, known[row]) or not tokens:
                most = min(tokens, known[row])
                raise InputError.single(f"kept[{part}]", str(kept), f"from 0 to {most}")
            time[row], known[row] = at, tokens
