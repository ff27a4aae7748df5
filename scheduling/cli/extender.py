"""``scheduling extender``: answers kube-scheduler from plans made in the background."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduling.cli import logs, options
from scheduling.errors import InputError

if TYPE_CHECKING:
    from scheduling.kubernetes.extender.journal import Journal
    from scheduling.kubernetes.extender.server import Serving
    from scheduling.kubernetes.extender.worker import Settings
    from scheduling.kubernetes.mover.mover import Manners
    from scheduling.kubernetes.state import ClusterState


_Snapshot = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Serve on what kubectl printed with -o json or yaml, without a cluster.",
    ),
]
_Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="How to reach the cluster; by default the service account in a pod, else as "
        "kubectl finds it.",
    ),
]
_Context = Annotated[str | None, typer.Option(metavar="NAME", help="Context of the kubeconfig.")]
_Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")]
_Port = Annotated[
    int, typer.Option(metavar="PORT", min=0, max=65535, help="To listen on; 0 for a free one.")
]
_StatusPort = Annotated[
    int | None,
    typer.Option(
        metavar="PORT",
        min=0,
        max=65535,
        help="For the pages alone, without TLS, for probes and metrics.",
    ),
]
_TlsCert = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The server's certificate (PEM).")
]
_TlsKey = Annotated[Path | None, typer.Option(metavar="FILE", help="Key of the certificate (PEM).")]
_ClientCa = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Clients need a certificate of this authority (PEM)."),
]
_MaxBody = Annotated[int, typer.Option(metavar="MIB", min=1, help="Largest request taken, in MiB.")]
_RequestTimeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0.01,
        help="Time for a request to come in whole.",
        callback=options.finite,
    ),
]
_TimeLimit = Annotated[
    float, typer.Option(metavar="SECONDS", min=0.1, help="Wall-clock limit for one plan.")
]
_MaxMoves = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, max=10**9, help="Most running pods a plan disturbs."),
]
_Move = Annotated[
    bool,
    typer.Option("--move", help="Evict what plans move or evict, through the eviction API."),
]
_MoveDryRun = Annotated[
    bool, typer.Option("--move-dry-run", help="Only log what --move would evict.")
]
_MovePace = Annotated[
    float,
    typer.Option(
        metavar="N", min=0.01, help="Most evictions in a minute.", callback=options.finite
    ),
]
_MoveBudget = Annotated[
    int, typer.Option(metavar="N", min=1, help="Most evicted pods down at one time.")
]


def extender(
    call: typer.Context,
    snapshot: _Snapshot = None,
    kubeconfig: _Kubeconfig = None,
    context: _Context = None,
    host: _Host = "127.0.0.1",
    port: _Port = 8888,
    status_port: _StatusPort = None,
    tls_cert: _TlsCert = None,
    tls_key: _TlsKey = None,
    client_ca: _ClientCa = None,
    max_body: _MaxBody = 64,
    request_timeout: _RequestTimeout = 10.0,
    time_limit: _TimeLimit = 10.0,
    max_moves: _MaxMoves = None,
    move: _Move = False,
    move_dry_run: _MoveDryRun = False,
    move_pace: _MovePace = 6.0,
    move_budget: _MoveBudget = 1,
    solver: options.PlacementSolver = "auto",
    workers: options.Workers = None,
    seed: options.Seed = 0,
) -> None:
    """Serve the scheduler extender: filter, prioritize, preempt and bind.

    A solver plans in a process of its own for the newest state of the cluster; the verbs look the
    plan up. /plan shows it, /healthz, /readyz and /metrics show how the server is. One JSON line
    for each decision goes to standard error, with the identifier of its request. SIGTERM lets
    requests in flight finish.
    """
    _demand_packages()
    if (tls_cert is None) != (tls_key is None) or (client_ca is not None and tls_cert is None):
        found = "only a part of --tls-cert, --tls-key, --client-ca"
        raise InputError.single("TLS", found, "certificate and key, and then perhaps a client CA")
    if snapshot is not None and (kubeconfig is not None or context is not None):
        raise InputError.single("--snapshot", "a kubeconfig or context too", "one of them")
    if snapshot is not None and (move or move_dry_run):
        raise InputError.single("--move", "a snapshot", "a live cluster")

    from scheduling.kubernetes.extender.app import Limits
    from scheduling.kubernetes.extender.server import Address, Serving
    from scheduling.kubernetes.extender.worker import Settings
    from scheduling.kubernetes.mover.mover import Manners
    from scheduling.solvers.driver import check_limits
    from scheduling.solvers.placement.family import FAMILY

    FAMILY.solver(solver)
    check_limits(time_limit, None, workers, seed)
    settings = Settings(
        solver, time_limit, workers, seed, max_moves, keep_bare=move or move_dry_run
    )
    serving = Serving(
        Address(host, port, tls_cert, tls_key, client_ca),
        status_port,
        Limits(max_body * 2**20, request_timeout),
    )
    if snapshot is not None:
        _serve_snapshot(snapshot, settings, serving, _journal(call))
        return
    manners = Manners(move_pace, move_budget, move_dry_run) if move or move_dry_run else None
    _serve_cluster((kubeconfig, context), settings, serving, manners, _journal(call))


def _journal(call: typer.Context) -> Journal:
    """Return where events are noted: JSON by default, as services want it, decisions included."""
    from scheduling.kubernetes.extender.journal import Journal

    level, format_ = call.meta[logs.CHOSEN]
    logs.configure(None, None)  # The journal takes what the package logs too.
    if level is not None:
        logs.LOG.setLevel(level.upper())
    return Journal(level=level or "info", as_text=format_ == "text")


def _serve_snapshot(snapshot: str, settings: Settings, serving: Serving, journal: Journal) -> None:
    """Answer for a cluster that does not change."""
    from scheduling.kubernetes.extender.planner import Planner
    from scheduling.kubernetes.extender.server import serve
    from scheduling.kubernetes.extender.service import Extender

    state = _state(snapshot)
    serve(Extender(state, Planner(state, settings), journal=journal), serving)


def _serve_cluster(
    access: tuple[Path | None, str | None],
    settings: Settings,
    serving: Serving,
    manners: Manners | None,
    journal: Journal,
) -> None:
    """Answer for a live cluster, and move its pods where there are manners for it."""
    from scheduling.kubernetes.client.access import connect
    from scheduling.kubernetes.client.live import LiveCluster
    from scheduling.kubernetes.extender.cluster import ClusterBinder, LiveSide
    from scheduling.kubernetes.extender.planner import Planner
    from scheduling.kubernetes.extender.server import serve
    from scheduling.kubernetes.extender.service import Extender
    from scheduling.kubernetes.state import ClusterState

    state = ClusterState()
    live = LiveCluster(connect(*access), state, journal.note, seed=settings.seed)
    served = Extender(state, Planner(state, settings), ClusterBinder(live), journal)
    side = LiveSide(live, served, manners, settings.seed)
    side.start()
    try:
        serve(served, serving)
    finally:
        side.stop()


def _demand_packages() -> None:
    from importlib.util import find_spec

    missing = [
        name for name in ("lightkube", "orjson", "starlette", "uvicorn") if find_spec(name) is None
    ]
    if missing:
        raise InputError.single(
            "extender", f"no {', '.join(missing)}", "them: pip install 'scheduling[k8s]'"
        )


def _state(snapshot: str) -> ClusterState:
    from scheduling.kubernetes.bundled import snapshot_text
    from scheduling.kubernetes.snapshot import read_objects, snapshot_of
    from scheduling.kubernetes.state import ClusterState

    text, source = snapshot_text(snapshot)
    objects = read_objects(text, source)
    snapshot_of(objects, source or "snapshot")  # Faults are told before the server starts.
    return ClusterState.from_snapshot(objects)
