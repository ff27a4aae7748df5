"""The files of deploy/ agree with each other and with what the extender does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from scheduling.cli.app import app
from scheduling.kubernetes.client.resources import RIGHTS
from scheduling.kubernetes.extender.service import VERBS

FOLDER = Path(__file__).resolve().parents[3] / "deploy"
NAME = "scheduling-extender"

if not FOLDER.is_dir():
    pytest.skip("the wheel is tested without the sources", allow_module_level=True)


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


def one(name: str, kind: str) -> dict[str, Any]:
    (found,) = (entry for entry in documents(name) if entry["kind"] == kind)
    return found


def rights(name: str) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in one(name, "ClusterRole")["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.fixture
def container() -> dict[str, Any]:
    (found,) = one("deployment.yaml", "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(found)


def options(container: dict[str, Any]) -> dict[str, Any]:
    """Parse the container's arguments as the command line does."""
    command = typer.main.get_command(app)
    verb = command.commands["extender"]  # type: ignore[attr-defined] # typer's is a group
    return dict(verb.make_context("extender", list(container["args"])).params)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("rbac.yaml", {"state", "nudge"}), ("rbac-move.yaml", {"move"}), ("rbac-bind.yaml", {"bind"})],
)
def test_roles_grant_what_is_used_and_nothing_else(name: str, parts: set[str]) -> None:
    wanted = {(r.group, r.resource, r.verb) for r in RIGHTS if r.part in parts}
    assert rights(name) == wanted
    binding, role = one(name, "ClusterRoleBinding"), one(name, "ClusterRole")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": NAME}]


def test_everything_lies_in_the_namespace() -> None:
    assert one("namespace.yaml", "Namespace")["metadata"]["name"] == NAME
    found = [entry for path in FOLDER.glob("*.yaml") for entry in documents(path.name)]
    for entry in found:
        if entry["kind"] in ("ServiceAccount", "Deployment", "Service"):
            assert entry["metadata"]["name"] == entry["metadata"]["namespace"] == NAME
    pod = one("deployment.yaml", "Deployment")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == one("rbac.yaml", "ServiceAccount")["metadata"]["name"]


def test_arguments_are_those_of_the_command_line(container: dict[str, Any]) -> None:
    found = options(container)
    ports = {entry["name"]: entry["containerPort"] for entry in container["ports"]}
    assert ports == {"verbs": found["port"], "status": found["status_port"]}
    mounts = [entry["mountPath"] for entry in container["volumeMounts"]]
    for name in ("tls_cert", "tls_key", "client_ca"):
        assert str(Path(found[name]).parent) in mounts
    assert not found["move"]


def test_probes_ask_pages_that_need_no_certificate(container: dict[str, Any]) -> None:
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("readiness", "liveness")}
    assert probes["readiness"] == {"path": "/readyz", "port": "status"}
    assert probes["liveness"] == {"path": "/healthz", "port": "status"}


def test_the_container_may_change_nothing_of_its_own(container: dict[str, Any]) -> None:
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    deployment = one("deployment.yaml", "Deployment")["spec"]
    assert deployment["template"]["spec"]["securityContext"]["runAsNonRoot"]
    assert deployment["replicas"] == 1


def test_the_service_leads_to_the_verbs(container: dict[str, Any]) -> None:
    deployment, service = one("deployment.yaml", "Deployment"), one("service.yaml", "Service")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"] == labels
    (port,) = service["spec"]["ports"]
    assert port["targetPort"] == "verbs"
    assert port["port"] == options(container)["port"]


def test_the_scheduler_asks_for_what_is_answered() -> None:
    found = one("scheduler-configuration.yaml", "KubeSchedulerConfiguration")
    assert found["percentageOfNodesToScore"] == 100
    (extender,) = found["extenders"]
    verbs = {key: value for key, value in extender.items() if key.endswith("Verb")}
    assert set(verbs) == {"filterVerb", "prioritizeVerb", "preemptVerb"}
    assert set(verbs.values()) <= set(VERBS)
    assert extender["nodeCacheCapable"]
    assert extender["weight"] > 0
    (port,) = one("service.yaml", "Service")["spec"]["ports"]
    host = f"{NAME}.{NAME}.svc"
    assert extender["urlPrefix"] == f"https://{host}:{port['port']}"
    assert extender["enableHTTPS"]
    assert extender["tlsConfig"]["serverName"] == host
