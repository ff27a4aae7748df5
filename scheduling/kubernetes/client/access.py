"""Where the API server is and how to speak to it: a service account or a kubeconfig."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from lightkube.config.client_adapter import user_auth
from lightkube.config.kubeconfig import SERVICE_ACCOUNT, KubeConfig, SingleConfig
from lightkube.config.models import Cluster, Context, User
from lightkube.core.exceptions import ConfigError

from scheduling.errors import Fault, InputError
from scheduling.instances.files import read_text
from scheduling.instances.yamltext import parse_yaml
from scheduling.kubernetes.client.certificates import tls_context
from scheduling.kubernetes.client.execution import API_VERSIONS, Plugin, PluginAuth
from scheduling.kubernetes.client.server import ApiServer
from scheduling.kubernetes.fields import Fields

DEFAULT_KUBECONFIG = "~/.kube/config"
_HOST = "KUBERNETES_SERVICE_HOST"
_SECONDS = 30.0
_UNSUPPORTED = {
    "cluster": ("tls-server-name",),
    "user": ("as", "as-groups", "as-uid", "as-user-extra"),
}


def in_cluster() -> bool:
    """Tell whether this process runs in a pod with a service account."""
    return bool(os.environ.get(_HOST)) and Path(SERVICE_ACCOUNT, "token").is_file()


def connect(kubeconfig: Path | None = None, context: str | None = None) -> ApiServer:
    """Prepare access to an API server; nothing is sent yet.

    Parameters
    ----------
    kubeconfig
        The kubeconfig. By default the service account in a pod; elsewhere the files that the
        environment variable ``KUBECONFIG`` lists, or ``~/.kube/config``.
    context
        The context of the kubeconfig, by default its current one.

    Raises
    ------
    InputError
        Naming the file and field that is missing or wrong.
    """
    if kubeconfig is None and context is None and in_cluster():
        return _service_account()
    if kubeconfig is not None:
        files = [kubeconfig]
    else:
        stated = os.environ.get("KUBECONFIG", "")
        files = [Path(name) for name in stated.split(os.pathsep) if name]
        files = files or [Path(DEFAULT_KUBECONFIG)]
    return _Kubeconfig([file.expanduser() for file in files]).server(context)


def _service_account() -> ApiServer:
    try:
        config = KubeConfig.from_service_account(SERVICE_ACCOUNT).get()
    except (ConfigError, KeyError, OSError) as error:
        raise InputError.single(SERVICE_ACCOUNT, str(error), "a service account") from error
    if config is None or config.user is None:
        raise InputError.single(SERVICE_ACCOUNT, "no credentials", "a service account")
    return _server(config, user_auth(config.user), None, SERVICE_ACCOUNT)


class _Kubeconfig:
    """One or more kubeconfigs read as one: of two entries of one name the first counts."""

    def __init__(self, files: list[Path]) -> None:
        self._documents: list[tuple[Path, Fields]] = []
        for file in files:
            text, source = read_text(file)
            try:
                self._documents.append((file, Fields(parse_yaml(text, source), "document")))
            except InputError as error:
                raise error.with_source(source) from None

    def server(self, context: str | None) -> ApiServer:
        source, name = self._context(context)
        _, held = self._entry("contexts", "context", name, source)
        try:
            cluster_name, user_name = held.text("cluster"), held.text("user", "")
        except InputError as error:
            raise error.with_source(source) from None
        file, cluster_fields = self._entry("clusters", "cluster", cluster_name, source)
        cluster = _convert(cluster_fields, Cluster, str(file))
        user, user_file = User(), file
        plugin = None
        if user_name:
            user_file, user_fields = self._entry("users", "user", user_name, source)
            user = _convert(user_fields, User, str(user_file))
            plugin = _plugin(user, user_fields, user_file)
        # Paths are relative to the file they stand in; the two may differ.
        cluster.certificate_auth = _path(file, cluster.certificate_auth)
        for field in ("client_cert", "client_key", "token_file"):
            setattr(user, field, _path(user_file, getattr(user, field)))
        config = SingleConfig(name, Context(cluster=cluster_name), cluster, user, file)
        try:
            auth = PluginAuth(plugin) if plugin is not None else user_auth(user)
        except ConfigError as error:
            raise InputError.single(
                f"users.{user_name}",
                str(error),
                "a token, a certificate or an exec plug-in",
                source,
            ) from error
        proxy = cluster_fields.text("proxy-url", "") or None
        return _server(config, auth, proxy, source)

    def _context(self, wanted: str | None) -> tuple[str, str]:
        """Return the name of the context and that of the file that names it."""
        for file, document in self._documents:
            name = wanted or document.text("current-context", "")
            if name:
                return str(file), name
        source = str(self._documents[0][0])
        raise InputError.single("current-context", "nothing", "the name of a context", source)

    def _entry(self, group: str, key: str, name: str, source: str) -> tuple[Path, Fields]:
        known: list[str] = []
        for file, document in self._documents:
            try:
                for entry in document.entries(group):
                    if entry.text("name") == name:
                        found = entry.inner(key)
                        found.place = f"{group}.{name}"
                        return file, found
                    known.append(entry.text("name"))
            except InputError as error:
                raise error.with_source(str(file)) from None
        there = ", ".join(map(repr, known)) or "none"
        raise InputError.single(group, f"no {key} {name!r}", f"one of those there: {there}", source)


def _convert(fields: Fields, into: type[Any], source: str) -> Any:
    for name in _UNSUPPORTED[into.__name__.lower()]:
        if name in fields:
            raise InputError.single(
                fields.at(name), "this field", "none: it is not supported", source
            )
    try:
        return msgspec.convert(fields.all(), into)
    except msgspec.ValidationError as error:
        raise InputError.single(fields.place, str(error), "what kubectl reads", source) from error


def _plugin(user: User, fields: Fields, file: Path) -> Plugin | None:
    if user.exec is None:
        return None
    part, place = user.exec, fields.at("exec")
    if part.apiVersion not in API_VERSIONS:
        expected = " or ".join(API_VERSIONS)
        raise InputError.single(f"{place}.apiVersion", repr(part.apiVersion), expected, str(file))
    # A command with a slash is relative to the file, any other is looked up.
    command = _path(file, part.command) if "/" in part.command else part.command
    if command is None or shutil.which(command) is None:
        hint = f"; {part.installHint.strip()}" if part.installHint else ""
        raise InputError.single(
            f"{place}.command", repr(part.command), f"a program that is installed{hint}", str(file)
        )
    environment = {entry.name: entry.value for entry in part.env or ()}
    return Plugin(command, tuple(part.args or ()), environment, part.apiVersion)


def _path(file: Path, name: str | None) -> str | None:
    return None if name is None else str(file.parent / name)


def _server(
    config: SingleConfig, auth: httpx2.Auth | None, proxy: str | None, source: str
) -> ApiServer:
    cluster = config.cluster
    faults = list(_missing(config))
    if faults:
        raise InputError(faults, source)
    verify = tls_context(cluster, config.user or User(), source)
    try:
        client = httpx2.AsyncClient(
            base_url=cluster.server,
            verify=verify,
            auth=auth,
            proxy=proxy,
            timeout=_SECONDS,
            # Every kind of objects keeps a connection for its watch.
            limits=httpx2.Limits(max_connections=64, max_keepalive_connections=16),
            headers={"User-Agent": "scheduling", "Accept": "application/json"},
        )
    except (ValueError, httpx2.InvalidURL) as error:
        raise InputError.single("server", str(error), "an address", source) from error
    return ApiServer(client)


def _missing(config: SingleConfig) -> Iterator[Fault]:
    """Name files that are not there, and a server that is no address."""
    user, cluster = config.user or User(), config.cluster
    named = {
        "certificate-authority": cluster.certificate_auth,
        "client-certificate": user.client_cert,
        "client-key": user.client_key,
        "tokenFile": user.token_file,
    }
    for field, name in named.items():
        if name is not None and not Path(name).is_file():
            yield Fault(field, f"no file {name!r}", "a file that can be read")
    if not cluster.server.startswith(("http://", "https://")):
        yield Fault("server", repr(cluster.server), "an address with http:// or https://")
    certificate = user.client_cert or user.client_cert_data
    if bool(certificate) != bool(user.client_key or user.client_key_data):
        yield Fault("user", "a certificate without key or a key alone", "both or none of them")
