"""Operator tables as CSV: layers and collectives of Vidur, collectives of APEX+."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from scheduling.errors import Fault, InputError
from scheduling.instances.files import read_text
from scheduling.instances.jsontext import parse_json
from scheduling.models.cost.catalogue import llm
from scheduling.models.cost.llm import GroupedAttention
from scheduling.models.cost.tables import PRODUCTS, Nested, OperatorTable, Samples

_LAYERS = re.compile(r"linear_ops_(?P<gpu>[^_]+)_(?P<model>.+)\.csv")
_NODES = re.compile(r"(all_reduce|send_recv)_(?P<gpu>[^_]+)_.+\.csv")
_TIMES = ("attn_pre_proj_ms", "attn_post_proj_ms", "mlp_up_proj_ms", "mlp_down_proj_ms")
_VIDUR = ("num_workers", "devices_per_node", "size_elements", "max_rank_median_ms")
_APEX = ("num_nodes", "num_gpus_per_node", "dtype", "size(kb)", "time(us)")
_ELEMENT_BYTES = 2
_KIB = 1024
_KINDS = {
    "all_reduce": "all_reduce",
    "all_gather": "all_gather",
    "alltoall": "all_to_all",
    "send_recv": "send",
    "sendrecv": "send",
}


@dataclass(frozen=True)
class Sheet:
    """A CSV file with its header."""

    path: Path
    header: tuple[str, ...]
    rows: list[dict[str, str]]

    @classmethod
    def read(cls, path: Path) -> Sheet:
        """Read a file."""
        text, _ = read_text(path)
        reader = csv.DictReader(StringIO(text))
        return cls(path, tuple(reader.fieldnames or ()), list(reader))

    @property
    def gpu(self) -> str | None:
        """Return the GPU that its rows or its name speak of, where they do."""
        if self.rows and "gpu" in self.header:
            return self.rows[0]["gpu"]
        named = _LAYERS.fullmatch(self.path.name) or _NODES.fullmatch(self.path.name)
        return None if named is None else named["gpu"]

    def has(self, columns: tuple[str, ...]) -> bool:
        """Tell whether it has these columns."""
        return set(columns) <= set(self.header)

    def number(self, line: int, name: str) -> float:
        """Return a number of at least zero; raises where there is none."""
        text = self.rows[line].get(name) or ""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            fault = Fault(f"line {line + 2}: {name}", repr(text), "a number of at least zero")
            raise InputError([fault], str(self.path))
        return value

    def seconds(self, line: int, name: str, unit: float) -> float:
        """Return a time above zero."""
        value = self.number(line, name)
        if value == 0:
            raise InputError(
                [Fault(f"line {line + 2}: {name}", "0", "a time above zero")], str(self.path)
            )
        return value * unit


def read_sheets(name: str, paths: list[Path]) -> tuple[OperatorTable, str | None]:
    """Read files of one GPU into one table; the GPU comes with it, where they name it.

    Layers of Vidur become products of the shapes that the model in the file's name has, by
    ``model_dims.json`` beside it or by the catalogue. Collectives count within one node; of Vidur's
    two times that of the slowest rank is taken.

    Raises
    ------
    InputError
        When a file is none of these tables, or they are of several GPUs.
    """
    products = Samples()
    collectives: dict[str, dict[int, Samples]] = {}
    sheets = [Sheet.read(path) for path in paths]
    cards = sorted({sheet.gpu for sheet in sheets if sheet.gpu is not None})
    if len(cards) > 1:
        raise InputError.single("profile", ", ".join(cards), "tables of one GPU", name)
    for sheet in sheets:
        path = sheet.path
        if (named := _LAYERS.fullmatch(path.name)) and sheet.has(("num_tokens", "tp", *_TIMES)):
            _add_layers(sheet, _layer(path, named["model"]), products)
        elif sheet.has(_VIDUR):
            _add_messages(sheet, _kind(path), collectives, _vidur)
        elif sheet.has(_APEX):
            _add_messages(sheet, _kind(path), collectives, _apex)
        else:
            found = ", ".join(sheet.header[:6]) or "no columns"
            expected = "layers or collectives of Vidur, or collectives of APEX+"
            raise InputError.single("columns", found, expected, str(path))
    nested: dict[str, Mapping[int, Nested]] = {
        kind: {group: samples.nested((1.0,)) for group, samples in groups.items()}
        for kind, groups in collectives.items()
    }
    table = OperatorTable(
        name,
        products={("bf16", "bf16"): products.nested(PRODUCTS)} if products else {},
        all_reduce=nested.get("all_reduce", {}),
        all_gather=nested.get("all_gather", {}),
        all_to_all=nested.get("all_to_all", {}),
        send=nested.get("send", {}).get(2),
    )
    return table, cards[0] if cards else None


def _kind(path: Path) -> str:
    for part, kind in _KINDS.items():
        if part in path.name:
            return kind
    return path.stem


@dataclass(frozen=True)
class _Layer:
    """Shape of a layer of a model."""

    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    ffn: int
    gated: bool


def _layer(path: Path, model: str) -> _Layer:
    """Shape of the layers of a model that a file is named after."""
    dims = path.with_name("model_dims.json")
    if dims.is_file():
        text, source = read_text(dims)
        for name, entry in parse_json(text, source).items():
            if name.rsplit("/", 1)[-1] == model:
                return _stated(entry, f"{source}: {name}")
    described = llm(model)
    attention = described.attention
    if not isinstance(attention, GroupedAttention):
        raise InputError.single("model", described.name, "one with grouped heads", str(path))
    return _Layer(
        attention.heads,
        attention.kv_heads,
        attention.head_dim,
        described.hidden,
        described.ffn,
        described.gated,
    )


def _stated(entry: Mapping[str, object], place: str) -> _Layer:
    """Shape as ``model_dims.json`` states it: numbers as texts."""
    try:
        heads, kv_heads = int(str(entry["n_head"])), int(str(entry["n_kv_head"]))
        hidden, ffn = int(str(entry["n_embd"])), int(str(entry["n_expanded_embd"]))
    except (KeyError, ValueError):
        expected = "n_head, n_kv_head, n_embd and n_expanded_embd"
        raise InputError.single("entry", json.dumps(entry), expected, place) from None
    return _Layer(
        heads, kv_heads, hidden // heads, hidden, ffn, entry.get("use_gated_mlp") == "True"
    )


def _add_layers(sheet: Sheet, layer: _Layer, products: Samples) -> None:
    for line in range(len(sheet.rows)):
        rows, tp = sheet.number(line, "num_tokens"), int(sheet.number(line, "tp")) or 1
        heads = layer.heads // tp * layer.head_dim
        kv_heads = max(1, layer.kv_heads // tp) * layer.head_dim
        inner = layer.ffn // tp
        shapes = (
            (heads + 2 * kv_heads, layer.hidden),
            (layer.hidden, heads),
            ((2 if layer.gated else 1) * inner, layer.hidden),
            (layer.hidden, inner),
        )
        for (n, k), column in zip(shapes, _TIMES, strict=True):
            products.add((n, k, rows), sheet.seconds(line, column, 1e-3))


Message = tuple[int, float, float]
"""GPUs, bytes and seconds."""


def _add_messages(
    sheet: Sheet,
    kind: str,
    collectives: dict[str, dict[int, Samples]],
    message: Callable[[Sheet, int], Message | None],
) -> None:
    for line in range(len(sheet.rows)):
        found = message(sheet, line)
        if found is not None:
            group, payload, seconds = found
            samples = collectives.setdefault(kind, {}).setdefault(group, Samples())
            samples.add((payload,), seconds)


def _vidur(sheet: Sheet, line: int) -> Message | None:
    workers = int(sheet.number(line, "num_workers"))
    if sheet.number(line, "devices_per_node") < workers:
        return None
    payload = sheet.number(line, "size_elements") * _ELEMENT_BYTES
    return workers, payload, sheet.seconds(line, "max_rank_median_ms", 1e-3)


def _apex(sheet: Sheet, line: int) -> Message | None:
    if sheet.number(line, "num_nodes") > 1 or sheet.rows[line]["dtype"] != "half":
        return None
    payload = sheet.number(line, "size(kb)") * _KIB
    gpus = int(sheet.number(line, "num_gpus_per_node"))
    return gpus, payload, sheet.seconds(line, "time(us)", 1e-6)
