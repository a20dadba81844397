"""Where the API server is and who we are: read once at start, in a thread.

In a pod that is an address, a CA and a token; every other way to log in is the `kubernetes` package's, which is loaded
for it alone (it takes 19 MiB). It opens no connection of its own and keeps no token longer than its caller does.
"""

import asyncio
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp
import yaml

if TYPE_CHECKING:
    from kubernetes.client import Configuration

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet puts the token and the CA of a pod's service account."""
_MALFORMED = (AttributeError, KeyError, TypeError)
"""What the loader of the `kubernetes` package raises for a file that is YAML but no kubeconfig."""
_CONNECT_TIMEOUT = 5.0
_READ_BUFFER = 256 * 1024


class LoginFailed(Exception):
    """No usable credentials were found."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The server's address, how to trust it and who we are; `load` reads all of it again, and blocks."""

    server: str
    tls: ssl.SSLContext | None
    token: str | None
    tls_server_name: str | None
    token_file: Path | None
    load: Callable[[], "Credentials"]

    def reload(self) -> "Credentials":
        """The same with the token of now: bound service-account tokens rotate. Blocks. Raises LoginFailed."""
        if self.token_file is None:
            return self.load()
        try:
            return replace(self, token=self.token_file.read_text().strip())
        except OSError as error:
            raise LoginFailed(f"the service account's token in {self.token_file} cannot be read: {error}") from error

    def headers(self) -> dict[str, str]:
        """The header that says who we are; empty with a client certificate."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def load_credentials(kubeconfig: Path | None = None, context: str | None = None) -> Credentials:
    """Credentials of this kubeconfig, else of the pod we run in, else of the default kubeconfig.

    Blocks (files, exec plugins). Raises LoginFailed.
    """
    in_cluster = kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ
    return _of_pod(SERVICE_ACCOUNT) if in_cluster else _of_kubeconfig(kubeconfig, context)


def _of_pod(folder: Path) -> Credentials:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    token_file = folder / "token"
    try:
        token = token_file.read_text().strip()
        tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    except OSError as error:
        raise LoginFailed(f"no credentials for the API server in {folder}: {error}") from error
    if not token:
        raise LoginFailed(f"no credentials for the API server in {folder}: the token is empty")
    return Credentials(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        tls=tls,
        token=token,
        tls_server_name=None,
        token_file=token_file,
        load=lambda: _of_pod(folder),
    )


def _of_kubeconfig(kubeconfig: Path | None, context: str | None) -> Credentials:
    from kubernetes import config  # noqa: PLC0415 - not in a pod
    from kubernetes.client import Configuration  # noqa: PLC0415 - not in a pod
    from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415 - not in a pod

    configuration = Configuration()
    try:
        path = str(kubeconfig) if kubeconfig else None
        config.load_kube_config(path, context, configuration, persist_config=False)  # type: ignore[no-untyped-call]
        tls = _tls_context(configuration)
    except (ConfigException, OSError, ValueError, yaml.YAMLError, *_MALFORMED) as error:
        where = str(kubeconfig) if kubeconfig else "the default kubeconfig"
        reason = " ".join(f"{error}".split())[:300] or type(error).__name__
        raise LoginFailed(f"no credentials for the API server in {where}: {reason}") from error
    return Credentials(
        server=configuration.host.rstrip("/"),
        tls=tls,
        token=_token(configuration),
        tls_server_name=getattr(configuration, "tls_server_name", None),
        token_file=None,
        load=lambda: _of_kubeconfig(kubeconfig, context),
    )


async def login(kubeconfig: Path | None = None, context: str | None = None) -> Credentials:
    """`load_credentials` in a thread, so that an exec plugin does not stop the loop."""
    return await asyncio.to_thread(load_credentials, kubeconfig, context)


def open_session(credentials: Credentials, *, connections: int, headers: bool = False) -> aiohttp.ClientSession:
    """A session with at most this many connections; with `headers` it carries the token itself (for kopf).

    Its timeouts bound the connection only: every call brings its own bound of the whole.
    """
    connector = aiohttp.TCPConnector(limit=connections, ssl=credentials.tls or True, keepalive_timeout=60.0)
    return aiohttp.ClientSession(
        connector=connector,
        headers=credentials.headers() if headers else None,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT),
        read_bufsize=_READ_BUFFER,
        auto_decompress=True,
    )


def _token(configuration: "Configuration") -> str | None:
    value = configuration.api_key.get("BearerToken") or configuration.api_key.get("authorization")
    return value.split(" ", 1)[-1].strip() if value else None


def _tls_context(configuration: "Configuration") -> ssl.SSLContext | None:
    if not configuration.host.startswith("https"):
        return None
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context
