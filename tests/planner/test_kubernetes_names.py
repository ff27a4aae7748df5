"""Names in clusters of what plans call anything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scheduling.planner.emit.shape import kubernetes_name, kubernetes_names
from tests.planner.emitted import DNS_LABEL


@given(st.text(max_size=90), st.integers(12, 63))
def test_names_are_labels_of_kubernetes(text: str, longest: int) -> None:
    name = kubernetes_name(text, longest)
    assert DNS_LABEL.fullmatch(name)
    assert len(name) <= longest


@given(st.lists(st.text("aA.-1", max_size=20), max_size=8))
def test_different_texts_have_different_names(texts: list[str]) -> None:
    names = kubernetes_names(texts, 20)
    assert len(set(names.values())) == len(set(texts))
    assert all(DNS_LABEL.fullmatch(name) and len(name) <= 20 for name in names.values())
