"""One golden run by Vidur itself, with the affine cost model that made it; prints JSON.

Run with a Python that has Vidur's requirements and with its sources in ``PYTHONPATH``. All metrics
are off, so that only the simulation is timed, in seconds of processor time.
"""

from __future__ import annotations

import argparse
import atexit
import csv
import json
import tempfile
import time
from pathlib import Path

from vidur.config import (
    ClusterConfig,
    MetricsConfig,
    OrcaSchedulerConfig,
    RandomForrestExecutionTimePredictorConfig,
    ReplicaConfig,
    SarathiSchedulerConfig,
    SimulationConfig,
    TraceRequestGeneratorConfig,
    VllmSchedulerConfig,
)
from vidur.entities import Batch, ExecutionTime
from vidur.execution_time_predictor import ExecutionTimePredictorRegistry
from vidur.execution_time_predictor.base_execution_time_predictor import BaseExecutionTimePredictor
from vidur.simulator import Simulator
from vidur.types import ExecutionTimePredictorType
from vidur.utils.random import set_seeds

SCHEDULERS = {
    "sarathi": SarathiSchedulerConfig,
    "vllm": VllmSchedulerConfig,
    "orca": OrcaSchedulerConfig,
}
AMPLE_BLOCKS = 128 * 256


class Affine(BaseExecutionTimePredictor):  # type: ignore[misc]
    """0.005 + 4e-5 x tokens + 3e-8 x KV tokens seconds, as one overhead of the processor."""

    def get_execution_time(self, batch: Batch, _pipeline_stage: int) -> ExecutionTime:
        """Return the time of an iteration."""
        context = sum(request.num_processed_tokens for request in batch.requests)
        milliseconds = 1e3 * (0.005 + 4e-5 * sum(batch.num_tokens) + 3e-8 * context)
        return ExecutionTime(1, *[0.0] * 14, milliseconds, 0.0, 0.0, 0.0, 0.0)


def write_trace(requests: Path, target: Path) -> None:
    """Write the requests with the names of columns that Vidur reads."""
    names = {
        "arrived_at_s": "arrived_at",
        "prompt_tokens": "num_prefill_tokens",
        "output_tokens": "num_decode_tokens",
    }
    with requests.open(newline="") as source, target.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(names.values())
        writer.writerows([row[name] for name in names] for row in csv.DictReader(source))


def main() -> None:
    """Simulate one golden run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the golden runs")
    parser.add_argument("name")
    arguments = parser.parse_args()
    entry = json.loads((arguments.folder / "golden.json").read_text())[arguments.name]
    options = {"num_blocks": AMPLE_BLOCKS} | entry["options"]
    # No predictor is asked for what it was trained on: only whole iterations are.
    Affine.__abstractmethods__ = frozenset()
    kind = ExecutionTimePredictorType.RANDOM_FORREST
    ExecutionTimePredictorRegistry._registry[kind] = Affine
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace.csv")
        write_trace(arguments.folder / "requests-conv400.csv", trace)
        set_seeds(42)
        simulator = Simulator(
            SimulationConfig(
                cluster_config=ClusterConfig(
                    num_replicas=1,
                    replica_config=ReplicaConfig(),
                    replica_scheduler_config=SCHEDULERS[entry["scheduler"]](**options),
                ),
                request_generator_config=TraceRequestGeneratorConfig(
                    trace_file=str(trace), max_tokens=4096
                ),
                execution_time_predictor_config=RandomForrestExecutionTimePredictorConfig(),
                metrics_config=MetricsConfig(
                    write_metrics=False,
                    enable_chrome_trace=False,
                    store_plots=False,
                    store_request_metrics=False,
                    store_batch_metrics=False,
                    store_utilization_metrics=False,
                ),
            )
        )
    atexit.unregister(simulator._write_output)
    began = time.process_time()
    simulator.run()
    seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "makespan": simulator._time}))


if __name__ == "__main__":
    main()
