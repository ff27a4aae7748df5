"""Access: kubeconfigs, service accounts, certificates, tokens, plug-ins, and clear faults."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from scheduling.errors import InputError
from scheduling.kubernetes.client import access
from scheduling.kubernetes.client.access import connect
from scheduling.kubernetes.client.server import ApiError, ApiServer
from tests.kubernetes.api_cluster import Cluster
from tests.kubernetes.api_server import serving

NODES = "/api/v1/nodes"


def config(server: str = "http://127.0.0.1:1", **changes: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "secret"}}],
    } | changes


def written(folder: Path, data: Any, name: str = "config") -> Path:
    path = folder / name
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    return path


def names(server: ApiServer, times: int = 1) -> list[str]:
    """List the nodes, as often as asked."""

    async def listed() -> list[str]:
        found: list[str] = []
        try:
            for _ in range(times):
                async for page in server.pages(NODES):
                    found += [entry["metadata"]["name"] for entry in page["items"]]
        finally:
            await server.close()
        return found

    return asyncio.run(listed())


def one_node() -> Cluster:
    cluster = Cluster()
    cluster.put({"kind": "Node", "metadata": {"name": "n1"}})
    return cluster


def test_a_kubeconfig_with_a_token(tmp_path: Path) -> None:
    with serving(one_node(), token="secret") as server:
        assert names(connect(written(tmp_path, config(server.url)))) == ["n1"]
        wrong = config(server.url, users=[{"name": "u", "user": {"token": "guess"}}])
        with pytest.raises(ApiError, match="401: Unauthorized"):
            names(connect(written(tmp_path, wrong)))


def test_the_context_that_is_asked_for(tmp_path: Path) -> None:
    with serving(one_node()) as server:
        there = {"name": "there", "context": {"cluster": "d"}}
        data = config()
        data["contexts"].append(there)
        data["clusters"].append({"name": "d", "cluster": {"server": server.url}})
        assert names(connect(written(tmp_path, data), "there")) == ["n1"]


def test_several_kubeconfigs_are_read_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(one_node(), token="kept apart") as server:
        other = tmp_path / "other"
        other.mkdir()
        (other / "token").write_text("kept apart\n")
        first = config(server.url, users=[])
        second = config(users=[{"name": "u", "user": {"tokenFile": "token"}}])
        paths = [written(tmp_path, first), written(other, second)]
        monkeypatch.setenv("KUBECONFIG", ":".join(map(str, paths)))
        assert names(connect()) == ["n1"]


def test_a_token_file_is_read_anew_when_it_rotates(tmp_path: Path) -> None:
    with serving(one_node(), token="old") as server:
        token = tmp_path / "token"
        token.write_text("old")
        data = config(server.url, users=[{"name": "u", "user": {"tokenFile": "token"}}])
        api = connect(written(tmp_path, data))

        async def rotate() -> None:
            async for _ in api.pages(NODES):
                pass
            token.write_text("new")
            server.token = "new"
            async for page in api.pages(NODES):
                assert len(page["items"]) == 1
            await api.close()

        asyncio.run(rotate())


def test_a_service_account_in_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    with serving(one_node(), token="pod", context=authority.context()) as server:
        (tmp_path / "token").write_text("pod")
        (tmp_path / "namespace").write_text("kube-system")
        (tmp_path / "ca.crt").write_bytes(authority.certificate.read_bytes())
        monkeypatch.setattr(access, "SERVICE_ACCOUNT", str(tmp_path))
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.server_port))
        assert access.in_cluster()
        assert names(connect()) == ["n1"]


class Authority:
    """A certificate of one's own for 127.0.0.1, made with openssl."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("no openssl here")
        self.certificate, self.key = folder / "own.pem", folder / "own.key"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
                *("ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"),
                *("-keyout", str(self.key), "-out", str(self.certificate)),
                *("-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"),
            ],
            check=True,
            capture_output=True,
        )

    def context(self, *, of_clients: bool = False) -> ssl.SSLContext:
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.load_cert_chain(self.certificate, self.key)
        if of_clients:
            found.load_verify_locations(self.certificate)
            found.verify_mode = ssl.CERT_REQUIRED
        return found


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


@pytest.mark.parametrize("inline", [True, False])
def test_certificates_of_server_and_client(tmp_path: Path, inline: bool) -> None:
    authority = Authority(tmp_path)
    if inline:
        own, key = _inline(authority.certificate), _inline(authority.key)
        trust = {"certificate-authority-data": own}
        user = {"client-certificate-data": own, "client-key-data": key}
    else:
        trust = {"certificate-authority": "own.pem"}
        user = {"client-certificate": "own.pem", "client-key": "own.key"}
    with serving(one_node(), context=authority.context(of_clients=True)) as server:
        data = config(users=[{"name": "u", "user": user}])
        data["clusters"] = [{"name": "c", "cluster": {"server": server.url, **trust}}]
        assert names(connect(written(tmp_path, data))) == ["n1"]


def test_an_unknown_authority_is_refused_unless_told_otherwise(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(one_node(), context=authority.context()) as server:
        data = config(server.url)
        with pytest.raises(ApiError, match=r"(?i)certificate verify failed"):
            names(connect(written(tmp_path, data)))
        data["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
        assert names(connect(written(tmp_path, data))) == ["n1"]


PLUGIN = """\
import json, os, pathlib, sys
count = pathlib.Path(sys.argv[1])
number = int(count.read_text() or 0) + 1 if count.exists() else 1
count.write_text(str(number))
assert json.loads(os.environ["KUBERNETES_EXEC_INFO"])["apiVersion"] == os.environ["EXPECTED"]
status = {"token": f"token {number}"}
if len(sys.argv) > 2:
    status["expirationTimestamp"] = sys.argv[2]
print(json.dumps({"kind": "ExecCredential", "status": status}))
"""


def plugin(folder: Path, *more: str, version: str = "v1", **changes: Any) -> dict[str, Any]:
    (folder / "plugin.py").write_text(PLUGIN)
    api = f"client.authentication.k8s.io/{version}"
    command = {
        "apiVersion": api,
        "command": sys.executable,
        "args": [str(folder / "plugin.py"), str(folder / "count"), *more],
        "env": [{"name": "EXPECTED", "value": api}],
    }
    return {"users": [{"name": "u", "user": {"exec": command | changes}}]}


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_plugin_is_asked_once_and_again_when_its_token_is_refused(
    tmp_path: Path, version: str
) -> None:
    with serving(one_node(), token="token 1") as server:
        data = config(server.url, **plugin(tmp_path, version=version))
        assert names(connect(written(tmp_path, data)), times=3) == ["n1"] * 3
        assert (tmp_path / "count").read_text() == "1"
        server.token = "token 3"
        assert names(connect(written(tmp_path, data))) == ["n1"]
        assert (tmp_path / "count").read_text() == "3"


def test_a_token_that_has_expired_is_not_used(tmp_path: Path) -> None:
    with serving(one_node()) as server:
        data = config(server.url, **plugin(tmp_path, "2001-01-01T00:00:00Z"))
        names(connect(written(tmp_path, data)), times=2)
        assert (tmp_path / "count").read_text() == "2"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("import sys; sys.exit('login first')", "ended with 1: login first"),
        ("print('{}')", "no token in what it printed"),
        ("print('[')", "no token in what it printed"),
    ],
)
def test_a_plugin_that_fails_is_named(tmp_path: Path, command: str, complaint: str) -> None:
    data = config(**plugin(tmp_path, args=["-c", command]))
    with pytest.raises(ApiError, match=complaint):
        names(connect(written(tmp_path, data)))


def _without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        part: Any = data
        for name in path[:-1]:
            part = part[int(name)] if isinstance(part, list) else part[name]
        del part[path[-1]]

    return change


def _with(group: str, key: str, **fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data[group][0][key].update(fields)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_without("current-context"), "current-context: found nothing"),
        (lambda data: data.update({"current-context": "x"}), "no context 'x'.*'here'"),
        (_without("contexts", "0", "context", "cluster"), "contexts.here.cluster: found nothing"),
        (lambda data: data.update(clusters=[]), "no cluster 'c'.*none"),
        (lambda data: data.update(users=[]), "no user 'u'"),
        (lambda data: data.update(users=5), "users: found 5, expected a list"),
        (_with("clusters", "cluster", server="cluster.local"), "server: found 'cluster.local'"),
        (_with("clusters", "cluster", server=5), "clusters.c: found Expected `str`"),
        (_with("clusters", "cluster", **{"tls-server-name": "x"}), "tls-server-name.*supported"),
        (_with("users", "user", **{"as": "root"}), "users.u.as.*not supported"),
        (_with("users", "user", tokenFile="gone"), "tokenFile: found no file"),
        (_with("users", "user", **{"client-certificate": "gone"}), "client-certificate: found no"),
        (
            _with("users", "user", **{"client-key-data": "AAAA"}),
            "user: found a certificate without",
        ),
        (
            _with("users", "user", **{"client-certificate-data": "!", "client-key-data": "!"}),
            "client-certificate and client-key: found",
        ),
        (
            _with(
                "users", "user", **{"client-certificate-data": "AAAA", "client-key-data": "AA=="}
            ),
            "a certificate and its key in PEM",
        ),
        (
            _with("clusters", "cluster", **{"certificate-authority-data": "AAAA"}),
            "certificate-authority-data: found .* expected a certificate in PEM",
        ),
        (
            _with("users", "user", exec={"apiVersion": "v9", "command": "x"}),
            "users.u.exec.apiVersion: found 'v9'",
        ),
    ],
)
def test_faults_name_file_and_field(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], complaint: str
) -> None:
    data = config()
    change(data)
    with pytest.raises(InputError, match=complaint) as caught:
        connect(written(tmp_path, data))
    assert str(caught.value).startswith(str(tmp_path))


def test_a_plugin_that_is_not_installed_is_named_with_its_hint(tmp_path: Path) -> None:
    data = config(**plugin(tmp_path, command="no-such-plugin", installHint="get it there"))
    with pytest.raises(InputError, match=r"no-such-plugin.*get it there"):
        connect(written(tmp_path, data))


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "5"])
def test_files_that_are_no_kubeconfig(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        connect(written(tmp_path, text))


def test_no_kubeconfig_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"config"):
        connect()


def test_a_proxy_of_the_kubeconfig_is_used(tmp_path: Path) -> None:
    data = config("http://cluster.invalid")
    with serving(one_node()) as proxy:
        data["clusters"][0]["cluster"]["proxy-url"] = proxy.url
        assert names(connect(written(tmp_path, json.dumps(data)))) == ["n1"]
