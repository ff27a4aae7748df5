"""Answers of the scheduler extender under load: times, errors and memory.

A server holds a generated cluster. While its solver works and watch events arrive, filter and
preempt requests that name every node come at a steady rate (times count from the moment a request
was due), then many at once, then a number of them one after the other on a few connections.

    python benchmarks/extender.py --nodes 5000 --pods 50000 --seconds 60 --requests 100000
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import multiprocessing
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from figures import add_output, write_figures

from scheduling.cli.output import table
from scheduling.kubernetes.extender.journal import Journal
from scheduling.kubernetes.extender.planner import Planner
from scheduling.kubernetes.extender.server import Address, Serving, serve
from scheduling.kubernetes.extender.service import Extender
from scheduling.kubernetes.extender.worker import Settings
from scheduling.kubernetes.state import ClusterState

Object = dict[str, Any]

VERBS = ("filter", "preempt")
PENDING = 500


def make_node(number: int) -> Object:
    """Return a node of 32 cores in one of three zones."""
    name = f"node-{number}"
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": f"z{number % 3}"}
    room = {"cpu": "32", "memory": "128Gi", "pods": "110"}
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": room},
    }


def make_pod(number: int, draw: random.Random, node: str | None, cpu: int) -> Object:
    """Return a pod of one of many replica sets, with the fields that the API server fills in."""
    owner = f"set-{number // 20}"
    container = {
        "name": "main",
        "image": "registry.example/app:1",
        "resources": {"requests": {"cpu": f"{cpu}m", "memory": "1Gi"}},
        "terminationMessagePath": "/dev/termination-log",
        "imagePullPolicy": "IfNotPresent",
    }
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"pod-{number}",
            "namespace": "default",
            "uid": f"00000000-0000-0000-0000-{number:012d}",
            "labels": {"app": owner},
            "ownerReferences": [{"kind": "ReplicaSet", "name": owner, "controller": True}],
        },
        "spec": {
            "containers": [container],
            "priority": 100 if node is None else draw.choice((0, 10, 100)),
            "schedulerName": "default-scheduler",
            "tolerations": [
                {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
            ],
            **({"nodeName": node} if node else {}),
        },
        "status": {"phase": "Running" if node else "Pending"},
    }


def make_cluster(nodes: int, pods: int, seed: int) -> list[Object]:
    """Return nodes that are about nine tenths full, and pending pods."""
    draw = random.Random(seed)
    found = [make_node(number) for number in range(nodes)]
    share = max(1, round(0.9 * 32_000 * nodes / max(1, pods)))
    sizes = [draw.randint(share // 2, share + share // 2) for _ in range(-(-pods // 20))]
    for number in range(pods):
        node = f"node-{number % nodes}"
        found.append(make_pod(number, draw, node, min(sizes[number // 20], 31_000)))
    pending = min(PENDING, max(1, pods // 4))
    numbers = range(pods, pods + pending)
    return [*found, *(make_pod(k, draw, None, draw.randint(1_000, 16_000)) for k in numbers)]


def serve_cluster(options: argparse.Namespace, port: int) -> None:
    """Serve a cluster that changes: main function of the server's process."""
    cluster = make_cluster(options.nodes, options.pods, options.seed)
    state = ClusterState.from_snapshot(cluster)
    settings = Settings(time_limit=options.time_limit, workers=options.workers)

    def change() -> None:
        draw = random.Random(options.seed)
        running = [entry for entry in cluster if entry.get("spec", {}).get("nodeName")]
        for turn in itertools.count():
            time.sleep(1.0 / options.events)
            pod = running[draw.randrange(len(running))]
            if turn % 2:
                state.apply("Pod", pod)
            else:
                state.delete("Pod", "default", pod["metadata"]["name"])
                running[draw.randrange(len(running))] = pod

    threading.Thread(target=change, daemon=True).start()
    with Path(os.devnull).open("w", encoding="utf-8") as sink:
        planner = Planner(state, settings)
        extender = Extender(state, planner, journal=Journal(sink))
        serve(extender, Serving(Address(port=port)))


class Load:
    """Requests to a server, their times and errors."""

    def __init__(self, options: argparse.Namespace, port: int) -> None:
        self._options, self._port = options, port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        cluster = make_cluster(options.nodes, options.pods, options.seed)
        names = [entry["metadata"]["name"] for entry in cluster if entry["kind"] == "Node"]
        pods = [entry for entry in cluster if entry["kind"] == "Pod"]
        pending = [pod for pod in pods if "nodeName" not in pod["spec"]]
        victims: dict[str, Any] = {}
        for pod in pods[: len(pods) - len(pending)]:
            found = victims.setdefault(pod["spec"]["nodeName"], {"Pods": [], "NumPDBViolations": 0})
            if len(found["Pods"]) < 2:
                found["Pods"].append({"UID": pod["metadata"]["uid"]})
        self._heads = {
            "filter": json.dumps({"Nodes": None, "NodeNames": names}),
            "preempt": json.dumps({"NodeNameToVictims": None, "NodeNameToMetaVictims": victims}),
        }
        self._pods = itertools.cycle([json.dumps(pod) for pod in pending])

    def request(self, verb: str) -> bytes:
        """Return the next request for a verb."""
        body = f'{{"Pod": {next(self._pods)}, {self._heads[verb][1:]}'.encode()
        head = f"POST /{verb} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def send(self, verb: str, due: float) -> tuple[str, float, bool]:
        """Send a request; return its verb, its seconds since it was due, and whether it failed."""
        failed = True
        try:
            reader, writer = self._idle.pop() if self._idle else await self.open()
            writer.write(self.request(verb))
            head = await reader.readuntil(b"\r\n\r\n")
            fields = head.lower().split(b"content-length:", 1)[1]
            body = await reader.readexactly(int(fields.split(b"\r\n", 1)[0]))
            failed = not head.startswith(b"HTTP/1.1 200") or not fits(verb, body)
            self._idle.append((reader, writer))
        except (OSError, asyncio.IncompleteReadError, IndexError, ValueError):
            pass
        return verb, time.monotonic() - due, failed

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection."""
        return await asyncio.open_connection("127.0.0.1", self._port, limit=2**24)

    async def steady(self) -> list[tuple[str, float, bool]]:
        """Send at a steady rate."""
        options, tasks = self._options, []
        begin = time.monotonic()
        for number in range(int(options.seconds * options.rate)):
            due = begin + number / options.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.append(asyncio.create_task(self.send(VERBS[number % 2], due)))
        return await asyncio.gather(*tasks)

    async def burst(self) -> list[tuple[str, float, bool]]:
        """Send many at once, several times."""
        found: list[tuple[str, float, bool]] = []
        for _ in range(5):
            now = time.monotonic()
            sends = [self.send(VERBS[k % 2], now) for k in range(self._options.at_once)]
            found += await asyncio.gather(*sends)
        return found

    async def run(self, count: int) -> list[tuple[str, float, bool]]:
        """Send a number of requests on four connections, each after the answer to the last."""
        numbers = iter(range(count))

        async def client() -> list[tuple[str, float, bool]]:
            return [await self.send(VERBS[k % 2], time.monotonic()) for k in numbers]

        found = await asyncio.gather(*(client() for _ in range(4)))
        return [entry for part in found for entry in part]

    async def ready(self) -> dict[str, Any]:
        """Wait for the first plan, and return the report."""
        while True:
            try:
                reader, writer = await self.open()
                writer.write(b"GET /plan HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                report = json.loads((await reader.read()).split(b"\r\n\r\n", 1)[1])
                writer.close()
                if report["plan"] is not None:
                    return dict(report)
            except OSError:
                pass
            await asyncio.sleep(0.2)


def fits(verb: str, body: bytes) -> bool:
    """Tell whether an answer is one of the verb's."""
    found = json.loads(body)
    if verb == "filter":
        return not found["Error"] and bool(
            found["NodeNames"] or found["FailedAndUnresolvableNodes"]
        )
    chosen = found["NodeNameToMetaVictims"]
    return len(chosen) < 2 and all(entry["Pods"] for entry in chosen.values())


def memory(pid: int) -> float | None:
    """Return the resident memory of a process in MiB, where the system tells."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return round(int(line.split()[1]) / 1024, 1)


def rows(phase: str, found: list[tuple[str, float, bool]]) -> Iterator[dict[str, Any]]:
    """Summarise a phase, one row a verb."""
    for verb in VERBS:
        times = sorted(seconds for name, seconds, _ in found if name == verb)
        if times:
            yield {
                "phase": phase,
                "verb": verb,
                "requests": len(times),
                "errors": sum(failed for name, _, failed in found if name == verb),
                "p50_ms": round(1000 * times[len(times) // 2], 2),
                "p99_ms": round(1000 * times[min(len(times) - 1, int(0.99 * len(times)))], 2),
                "max_ms": round(1000 * times[-1], 2),
            }


async def measure(options: argparse.Namespace, port: int, pid: int) -> dict[str, Any]:
    """Run all phases."""
    load = Load(options, port)
    report = await load.ready()
    result: dict[str, Any] = {
        "nodes": report["state"]["nodes"],
        "pods": report["state"]["pods"],
        "pending": report["state"]["pending"],
        "first_plan_seconds": report["plan"]["seconds"],
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
    found = list(rows("steady", await load.steady()))
    found += rows("at once", await load.burst())
    result["memory_before_mib"] = memory(pid)
    found += rows("in turn", await load.run(options.requests))
    result["memory_after_mib"] = memory(pid)
    final = await load.ready()
    result["plans"] = final["solver"]["plans"]
    result["solver_restarts"] = final["solver"]["restarts"]
    return {**result, "rows": found}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--pods", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the steady phase")
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument("--events", type=float, default=20.0, help="watch events a second")
    parser.add_argument("--at-once", type=int, default=50, help="requests in flight")
    parser.add_argument("--requests", type=int, default=2000, help="sent one after the other")
    parser.add_argument("--time-limit", type=float, default=5.0, help="seconds of a plan")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser)
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=serve_cluster, args=(options, port))
    server.start()
    try:
        result = asyncio.run(measure(options, port, server.pid or 0))
    finally:
        server.terminate()
        server.join()
    headers = ["phase", "verb", "requests", "errors", "p50 ms", "p99 ms", "max ms"]
    lines = [[str(value) for value in row.values()] for row in result["rows"]]
    facts = {key: value for key, value in result.items() if key != "rows"}
    table(headers, lines, ", ".join(f"{key} {value}" for key, value in facts.items()))
    write_figures(options.output, result)


if __name__ == "__main__":
    main()
