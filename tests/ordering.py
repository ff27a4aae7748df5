"""Random small batches of transactions."""

from __future__ import annotations

from hypothesis import strategies as st

from scheduling.models.ordering.batch import Batch


def batches() -> st.SearchStrategy[Batch]:
    """Draw batches of at most five transactions of at most five operations on four keys."""
    word = st.sampled_from([*(f"{kind}-{key}" for kind in "rw" for key in range(4)), "*"])
    line = st.lists(word, min_size=1, max_size=5).map(" ".join)
    return st.lists(line, min_size=1, max_size=5).map(Batch.read)
