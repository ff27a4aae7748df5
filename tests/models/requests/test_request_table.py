"""Tables of requests refuse what no trace can mean."""

from __future__ import annotations

import numpy as np
import pytest

from scheduling.errors import InputError
from scheduling.models.requests.table import RequestTable


def column(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_every_broken_column_is_named_with_its_first_row() -> None:
    with pytest.raises(InputError) as caught:
        RequestTable(
            column(0, 5, 4), column(3, 0, 0), column(1, 1, 1), column(0, 0, 1), column(0, 0, -1)
        )
    places = [fault.place for fault in caught.value.faults]
    assert places == ["arrival_ns[2]", "prompt_tokens[1]", "demand[2]", "cached_tokens[1]"]


def test_columns_are_of_one_length() -> None:
    with pytest.raises(InputError, match="another length"):
        RequestTable(column(0, 1), column(3), column(1, 1), column(0, 0), column(0, 0))


def test_a_prompt_is_never_cached_to_its_last_token() -> None:
    table = RequestTable(column(0), column(3), column(1), column(0), column(2))
    assert len(table) == 1
    with pytest.raises(InputError, match="fewer than its prompt"):
        RequestTable(column(0), column(3), column(1), column(0), column(3))
