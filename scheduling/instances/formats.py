"""The registry of file formats."""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.errors import InputError
from scheduling.instances import documents
from scheduling.instances.format import Format
from scheduling.instances.memory import minimalloc
from scheduling.instances.placement import bytedance, openb, vmr2l
from scheduling.instances.schedule import (
    flexible,
    graph_documents,
    job_logs,
    jobshop,
    jobshop_views,
    patterson,
    progenmax,
    progenmax_writer,
    project_writers,
    psplib,
    reservoirs,
    tardiness,
    task_graphs,
)
from scheduling.instances.schedule.shop_sheets import VARIANTS
from scheduling.instances.sharing import stage_tables
from scheduling.instances.spot import traces
from scheduling.models.memory.problem import MOST_BYTES

_JSPLIB = "https://github.com/tamy0612/JSPLIB"
_SHEETS = "https://github.com/PyJobShop/Experiments"
_RESCHEDULING = "https://github.com/bytedance/DRL-based-VM-Rescheduling"

FORMATS: tuple[Format, ...] = (
    Format(
        "yaml",
        "any",
        (".yaml", ".yml"),
        "the project's own documents as YAML",
        documents.sniff_yaml,
        documents.read_yaml_problem,
        documents.write_yaml_problem,
        "JSON schema: scheduling schema KIND",
    ),
    Format(
        "json",
        "any",
        (".json",),
        "the project's own documents as JSON",
        documents.sniff_json,
        documents.read_json_problem,
        documents.write_json_problem,
        "JSON schema: scheduling schema KIND",
    ),
    Format(
        "jsplib",
        "schedule",
        (".jsp", ".jss"),
        "job shops as in JSPLIB and the DMU set, reentrant ones too",
        jobshop.sniff_jsplib,
        jobshop.read_jsplib,
        jobshop.write_jsplib,
        _JSPLIB,
    ),
    Format(
        "taillard",
        "schedule",
        (".jsp", ".jss"),
        "job shops in Taillard's layout with Times and Machines",
        jobshop.sniff_taillard,
        jobshop.read_taillard,
        jobshop.write_taillard,
        "http://mistic.heig-vd.ch/taillard/problemes.dir/ordonnancement.dir/ordonnancement.html",
    ),
    Format(
        "fjs",
        "schedule",
        (".fjs",),
        "flexible job shops as used by Brandimarte and Hurink",
        flexible.sniff_fjs,
        flexible.read_fjs,
        flexible.write_fjs,
        "https://people.idsia.ch/~monaldo/fjsp.html",
    ),
    Format(
        "psplib",
        "schedule",
        (".sm", ".mm"),
        "projects as in PSPLIB and MMLIB, single-mode and multi-mode",
        psplib.sniff_psplib,
        psplib.read_psplib,
        project_writers.write_psplib,
        "https://www.om-db.wi.tum.de/psplib/",
    ),
    Format(
        "patterson",
        "schedule",
        (".rcp",),
        "projects in Patterson's layout",
        patterson.sniff_patterson,
        patterson.read_patterson,
        project_writers.write_patterson,
        "https://www.projectmanagement.ugent.be/research/data",
    ),
    Format(
        "progenmax",
        "schedule",
        (".sch",),
        "projects with minimal and maximal time lags (RCPSP/max)",
        progenmax.sniff_progenmax,
        progenmax.read_progenmax,
        progenmax_writer.write_progenmax,
        "https://www.wiwi.tu-clausthal.de/en/ueber-uns/abteilungen/"
        "betriebswirtschaftslehre-insbesondere-produktion-und-logistik/research/research-areas/"
        "project-generator-progen/max-and-psp/max-library",
    ),
    Format(
        "rcpsp-cpr",
        "schedule",
        (".rcp",),
        "projects with reservoirs: tasks take units at their start, put units back at their end",
        reservoirs.sniff_reservoirs,
        reservoirs.read_reservoirs,
        reservoirs.write_reservoirs,
        "https://github.com/ScheduleOpt/optalcp-benchmarks",
    ),
    Format(
        "stg",
        "schedule",
        (".stg",),
        "Standard Task Graphs on identical processors",
        task_graphs.sniff_stg,
        task_graphs.read_stg,
        task_graphs.write_stg,
        "https://www.kasahara.cs.waseda.ac.jp/schedule/",
        task_graphs.PROCESSORS,
    ),
    Format(
        "heterogeneous",
        "schedule",
        (".json",),
        "task graphs with costs per processor and communication, as JSON",
        graph_documents.sniff_heterogeneous,
        graph_documents.read_heterogeneous,
        graph_documents.write_heterogeneous,
        "Topcuoglu, Hariri, Wu (2002), doi:10.1109/71.993206",
    ),
    Format(
        "workflow",
        "schedule",
        (".json",),
        "workflow traces with the speeds of a platform, as JSON (read only)",
        graph_documents.sniff_workflow,
        graph_documents.read_workflow,
        graph_documents.write_workflow,
        "https://github.com/wfcommons/WfInstances",
    ),
    Format(
        "jsplib-blocking",
        "schedule",
        (),
        "job shops as in JSPLIB, read as blocking job shops with swaps",
        jobshop_views.sniff_nothing,
        jobshop_views.read_blocking,
        jobshop_views.write_blocking,
        _JSPLIB,
    ),
    Format(
        "jsplib-blocking-noswap",
        "schedule",
        (),
        "job shops as in JSPLIB, read as blocking job shops without swaps",
        jobshop_views.sniff_nothing,
        jobshop_views.read_blocking_without_swaps,
        jobshop_views.write_blocking_without_swaps,
        _JSPLIB,
    ),
    Format(
        "jsplib-operators",
        "schedule",
        (),
        "job shops as in JSPLIB whose operations each take one of a number of operators",
        jobshop_views.sniff_nothing,
        jobshop_views.read_operators,
        jobshop_views.write_operators,
        _JSPLIB,
        jobshop_views.OPERATORS,
    ),
    *(
        Format(
            variant.name,
            "schedule",
            (f".{variant.name}",),
            variant.summary,
            variant.sniff,
            variant.read,
            variant.write,
            _SHEETS,
        )
        for variant in VARIANTS
    ),
    Format(
        "wt",
        "schedule",
        (),
        "weighted tardiness of one machine as in the OR-Library; wt40.txt#17 is its 17th instance",
        tardiness.sniff_wt,
        tardiness.read_wt,
        tardiness.write_wt,
        "https://people.brunel.ac.uk/~mastjjb/jeb/orlib/wtinfo.html",
    ),
    Format(
        "sdt",
        "schedule",
        (),
        "total tardiness of one machine, a line with duration and due date a job",
        tardiness.sniff_sdt,
        tardiness.read_sdt,
        tardiness.write_sdt,
        "https://github.com/vtkindt/1-dj-Sum-Tj",
    ),
    Format(
        "tardiness-jsonl",
        "schedule",
        (".jsonl",),
        "tardiness of one machine, an instance a line with name, n, p, d and w",
        tardiness.sniff_jsonl,
        tardiness.read_jsonl,
        tardiness.write_jsonl,
        "fields of a line: name, n, p (durations), d (due dates), w (weights, 1 unless given)",
    ),
    Format(
        "swf",
        "schedule",
        (".swf",),
        "logs of batch jobs in the Standard Workload Format; log.swf#1-500 takes some of the jobs",
        job_logs.sniff_swf,
        job_logs.read_swf,
        job_logs.write_swf,
        "https://www.cs.huji.ac.il/labs/parallel/workload/swf.html",
        job_logs.PROCESSORS,
        job_logs.MOST_PROCESSORS,
    ),
    Format(
        "job-log",
        "schedule",
        (".csv",),
        "logs of batch or GPU jobs as tables with submit_s, run_s and procs or like columns",
        job_logs.sniff_job_log,
        job_logs.read_job_log,
        job_logs.write_job_log,
        "columns: submit_s|submit_time|gmt_create, run_s|duration_s|exec_time_seconds, "
        "procs|num_gpus",
        job_logs.PROCESSORS,
        job_logs.MOST_PROCESSORS,
    ),
    Format(
        "minimalloc",
        "memory",
        (".csv",),
        "buffers with lifetimes as tables, NAME.CAPACITY.csv or minimalloc:CAPACITY",
        minimalloc.sniff_minimalloc,
        minimalloc.read_minimalloc,
        minimalloc.write_minimalloc,
        "https://github.com/google/minimalloc",
        minimalloc.CAPACITY,
        MOST_BYTES,
    ),
    Format(
        "shared-jobs",
        "sharing",
        (".csv",),
        "jobs of a shared cluster, a row a stage, with a column cores or as shared-jobs:32",
        stage_tables.sniff_stages,
        stage_tables.read_stages,
        stage_tables.write_stages,
        "columns: docs/howto/sharing.md",
        stage_tables.CORES,
    ),
    Format(
        "vmr2l",
        "placement",
        (".json",),
        "virtual machines on NUMA nodes to move for fewer fragments; vmr2l:50 moves up to 50",
        documents.sniff_mapping,
        vmr2l.read_vmr2l,
        vmr2l.write_vmr2l,
        _RESCHEDULING,
        vmr2l.MOVES,
    ),
    Format(
        "bytedance",
        "placement",
        (".csv",),
        "the same as tables of hosts and virtual machines, in one file or two beside each other",
        bytedance.sniff_bytedance,
        bytedance.read_bytedance,
        bytedance.write_bytedance,
        _RESCHEDULING,
        bytedance.MOVES,
    ),
    Format(
        "openb",
        "placement",
        (".csv",),
        "pods for GPU nodes as tables, PODS.csv#NODES.csv or in one file; openb:90 takes those "
        "that ask for 90 % of the GPUs",
        openb.sniff_openb,
        openb.read_openb,
        openb.write_openb,
        "https://github.com/alibaba/clusterdata/tree/master/cluster-trace-gpu-v2023",
        openb.PERCENT,
    ),
    Format(
        "spot-trace",
        "spot",
        (".json",),
        "spot availability of a zone as published with SkyPilot, as JSON (read only); "
        "spot-trace:24 is a job of 24 hours, ZONE.json#OTHER.json,… takes further zones",
        documents.sniff_ticks,
        traces.read_spot_trace,
        traces.write_spot_trace,
        "https://github.com/skypilot-org/spot-traces",
        traces.HOURS,
    ),
)


def by_name(name: str) -> Format:
    """Return the format of that name, which may end with a number such as ``stg:4``.

    Raises
    ------
    InputError
        When there is none; it lists those there are.
    """
    base, colon, number = name.partition(":")
    for candidate in FORMATS:
        if candidate.name == base and not colon:
            return candidate
        if candidate.name == base and candidate.number:
            return candidate.numbered(number)
    raise InputError.single("format", repr(name), f"one of: {listed(FORMATS)}")


def listed(candidates: Sequence[Format]) -> str:
    """Return formats as an error names them."""
    return ", ".join(map(str, candidates))
