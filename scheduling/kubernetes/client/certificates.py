"""Certificates of a kubeconfig, in files or inline, as one TLS context."""

from __future__ import annotations

import base64
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lightkube.config.models import Cluster, User

from scheduling.errors import InputError


def tls_context(cluster: Cluster, user: User, source: str) -> ssl.SSLContext:
    """Build the TLS context for a cluster and a user.

    Parameters
    ----------
    cluster, user
        With absolute paths.
    source
        Name of the file they come from, for errors.

    Raises
    ------
    InputError
        Naming the certificate or key that cannot be used.
    """
    inline = cluster.certificate_auth_data
    place = "certificate-authority-data" if inline else "certificate-authority"
    with _named(place, "a certificate in PEM", source):
        text = _decoded(inline).decode("ascii") if inline else None
        context = ssl.create_default_context(
            cafile=None if inline else cluster.certificate_auth, cadata=text
        )
    if cluster.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if user.client_cert or user.client_cert_data:
        place = "client-certificate and client-key"
        with _named(place, "a certificate and its key in PEM", source), ExitStack() as files:
            own = files.enter_context(_file(user.client_cert_data, user.client_cert))
            key = files.enter_context(_file(user.client_key_data, user.client_key))
            # A key under a password would be asked for at the terminal.
            context.load_cert_chain(own, key, password="")
    return context


@contextmanager
def _named(place: str, expected: str, source: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise InputError.single(place, str(error), expected, source) from error


def _decoded(data: str) -> bytes:
    return base64.b64decode(data, validate=True)


@contextmanager
def _file(data: str | None, path: str | None) -> Iterator[str]:
    """Yield the name of a file with what may be inline: OpenSSL reads own certificates from there.

    The file is readable by this user alone, and gone afterwards.
    """
    if data is None:
        yield str(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "inline.pem")
        file.touch(mode=0o600)
        file.write_bytes(_decoded(data))
        yield str(file)
