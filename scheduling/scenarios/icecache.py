"""IceCache: KV pages of similar keys, so that few pages hold what a query attends to.

Known by its abstract: tokens are clustered by their keys into contiguous pages under an index, and
each decode step loads pages up to a budget of tokens. For given pages the best ones to load are
those with the most attention; nothing loads more attention than the tokens with the most of it,
page or not, which is the bound.

Inferred: keys are drawn around cluster centres, and clusters come and go along the text; pages are
filled cluster by cluster (Lloyd's algorithm); the index knows the mean key of each page.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.scenarios.scenario import Row, Run, Scenario, Target

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TOKENS, _WIDTH, _TOPICS, _QUERIES = 8192, 64, 96, 64
_PAGE, _BUDGET = 16, 256
_ROUNDS = 12
_PAPER = "99 % of full accuracy at a budget of 256 tokens (LongBench)"


def keys_and_queries(seed: int) -> tuple[Floats, Floats]:
    """Draw keys, in runs of tokens about one topic, and queries that are about a few topics."""
    rng = np.random.default_rng(seed)
    topics = rng.normal(0.0, 1.0, (_TOPICS, _WIDTH))
    runs = rng.geometric(1 / 12, _TOKENS)
    topic = np.repeat(rng.integers(0, _TOPICS, _TOKENS), runs)[:_TOKENS]
    keys = topics[topic] + rng.normal(0.0, 0.35, (_TOKENS, _WIDTH))
    asked = rng.integers(0, _TOPICS, (_QUERIES, 3))
    queries = topics[asked].mean(axis=1) + rng.normal(0.0, 0.2, (_QUERIES, _WIDTH))
    return keys, queries


def attention(keys: Floats, queries: Floats) -> Floats:
    """Return the attention of each query on each token; each row sums to 1."""
    logits = queries @ keys.T / np.sqrt(keys.shape[1])
    weight = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def in_order(tokens: int, page: int) -> Ints:
    """Return the page of each token when pages hold what stands together in the text."""
    return np.arange(tokens) // page


def clustered(keys: Floats, page: int, seed: int = 0) -> Ints:
    """Return the page of each token when pages are filled cluster by cluster.

    Lloyd's algorithm on directions; within a cluster tokens stay in order, and a page that a
    cluster leaves half empty takes the first ones of the cluster that is most like it.
    """
    rng = np.random.default_rng(seed)
    unit = keys / np.linalg.norm(keys, axis=1, keepdims=True)
    count = max(1, len(keys) // (4 * page))
    centres = unit[rng.choice(len(unit), count, replace=False)]
    for _ in range(_ROUNDS):
        owner = np.argmax(unit @ centres.T, axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, owner, unit)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(length > 0, sums / np.maximum(length, 1e-12), centres)
    owner = np.argmax(unit @ centres.T, axis=1)
    place = np.empty(count, dtype=np.int64)
    place[_chain(centres)] = np.arange(count)
    order = np.lexsort((np.arange(len(keys)), place[owner]))
    pages = np.empty(len(keys), dtype=np.int64)
    pages[order] = np.arange(len(keys)) // page
    return pages


def _chain(centres: Floats) -> list[int]:
    """Order centres so that each is followed by the most similar one that is left."""
    similar = centres @ centres.T
    left = np.ones(len(centres), dtype=np.bool_)
    found = [0]
    left[0] = False
    while left.any():
        row = np.where(left, similar[found[-1]], -np.inf)
        found.append(int(np.argmax(row)))
        left[found[-1]] = False
    return found


def covered(weight: Floats, pages: Ints, loaded: int, scores: Floats | None = None) -> Floats:
    """Return the attention of each query on the pages that are loaded for it.

    Parameters
    ----------
    weight
        Attention by query and token.
    pages
        Page of each token.
    loaded
        How many pages are loaded.
    scores
        By query and page, the highest are loaded; ``None``: the attention on them itself.
    """
    count = int(pages.max()) + 1
    held = np.zeros((len(weight), count))
    for row, values in enumerate(weight):
        held[row] = np.bincount(pages, weights=values, minlength=count)
    by = held if scores is None else scores
    best = np.argsort(-by, axis=1, kind="stable")[:, :loaded]
    return np.asarray(np.take_along_axis(held, best, axis=1).sum(axis=1))


def run(limits: Run) -> list[Row]:
    """Load pages of keys in order, and of similar keys, by what they hold and by the index."""
    del limits
    keys, queries = keys_and_queries(seed=1)
    weight = attention(keys, queries)
    most = float(-np.sort(-weight, axis=1)[:, :_BUDGET].sum(axis=1).mean())
    loaded = _BUDGET // _PAGE
    plain = float(covered(weight, in_order(_TOKENS, _PAGE), loaded).mean())
    pages = clustered(keys, _PAGE)
    ways = (
        ("similar keys, best pages", None),
        ("similar keys, by the index", _index_scores(keys, queries, pages)),
    )
    rows = []
    for name, scores in ways:
        value = float(covered(weight, pages, loaded, scores).mean())
        rows.append(
            Row(
                case=f"{_TOKENS} tokens, pages of {_PAGE}, {_BUDGET} loaded",
                measure="attention on loaded tokens, mean of queries",
                baseline="pages in order, best pages",
                baseline_value=plain,
                method=name,
                value=value,
                gap=1.0 - value / most,
                published=_PAPER,
                verdict=f"{100 * value / most:.1f} % of the best tokens, page or not",
            )
        )
    return rows


def _index_scores(keys: Floats, queries: Floats, pages: Ints) -> Floats:
    """Return how similar each query is to the mean key of each page."""
    count = int(pages.max()) + 1
    sums = np.zeros((count, keys.shape[1]))
    np.add.at(sums, pages, keys)
    return np.asarray(queries @ (sums / np.bincount(pages, minlength=count)[:, None]).T)


SCENARIO = Scenario(
    name="icecache",
    system="IceCache: pages of similar keys for long contexts (known by its abstract)",
    problem="pages of keys kept for a query",
    wants="nothing: seeded keys and queries",
    run=run,
    targets=(
        Target(("attention on loaded",), at_least=1),
        Target(("best pages", "attention on loaded"), of="gap", at_most=0.1),
    ),
)
