"""``scheduling profile``: what operators take on the GPU that is present."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduling.cli import options
from scheduling.cli.live import CountLine
from scheduling.cli.output import emit_json, note, table

if TYPE_CHECKING:
    from scheduling.profiling.accuracy import Accuracy
    from scheduling.profiling.measuring import Measured


def profile(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL…", help="Models whose operators to measure, by name."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the profile here (JSON).",
            callback=options.writable,
        ),
    ],
    tp: Annotated[
        str, typer.Option(metavar="N,…", help="Tensor parallel degrees whose shares to measure.")
    ] = "1",
    json: options.Json = False,
) -> None:
    """Measure operators with PyTorch on the GPU that is present and write them as a profile.

    Matrix products, attention of prompts and of decoding, layers of experts and copies, each with
    the shapes that a GPU of such a replica meets. The profile is an operator table that cost models
    take; the summary says how far the formulas are from it, before and after calibration.
    """
    from scheduling.models.cost.catalogue import llm
    from scheduling.profiling.measuring import measure
    from scheduling.profiling.shapes import copies, shapes_of
    from scheduling.profiling.torch_device import TorchDevice
    from scheduling.storage import write_whole

    served = [llm(name) for name in models]
    degrees = _degrees(tp)
    device = TorchDevice()
    wanted = [shape for one in served for shape in shapes_of(one, degrees, device.types)] + list(
        copies(peers=device.peers)
    )
    with CountLine(quiet=json) as line:
        measured = measure(device, wanted, lambda done: line.update(done, len(wanted)))
    write_whole(output, (measured.profile.model_dump_json(indent=1) + "\n").encode())
    _report(measured, output, as_json=json)


def _degrees(text: str) -> list[int]:
    from scheduling.errors import InputError

    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise InputError.single("--tp", repr(text), "whole numbers above 0, such as 1,4")
    return [int(part) for part in parts]


def _report(measured: Measured, output: Path, *, as_json: bool) -> None:
    found = _accuracies(measured)
    if as_json:
        emit_json(
            "profile",
            {
                "profile": str(output),
                "left_out": len(measured.left_out),
                "errors": [
                    {"operator": a.operator, "rows": a.rows, "before": a.before, "after": a.after}
                    for a in found
                ],
            },
        )
        return
    rows = [[a.operator, str(a.rows), f"{a.before:.1%}", f"{a.after:.1%}"] for a in found]
    headers = ["operator", "rows", "median error of the formula", "after calibration"]
    table(headers, rows, f"{measured.profile.gpu}, {measured.profile.engine}")
    for shape, reason in measured.left_out[:3]:
        note(f"left out: {shape!r}: {reason}")
    if len(measured.left_out) > 3:
        note(f"left out: {len(measured.left_out) - 3} more")
    note(f"written: {output}")


def _accuracies(measured: Measured) -> list[Accuracy]:
    from scheduling.errors import InputError
    from scheduling.models.cost.catalogue import gpu
    from scheduling.profiling.accuracy import accuracy

    try:
        card = gpu(measured.profile.gpu)
    except InputError:
        note(f"{measured.profile.gpu} is in no catalogue: nothing to compare with")
        return []
    return accuracy(measured.profile, card)[0]
