"""Owns the cluster's keys and certificates, made by openssl once and kept in the state folder.

It must not replace what is there: a running cluster would stop trusting itself.
"""

from dataclasses import dataclass
from pathlib import Path

from tests.cluster import host, state
from tests.cluster.native import layout as fixed
from tests.cluster.native.layout import Layout

DAYS = "3650"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
REQUEST = "[req]\ndistinguished_name=dn\n[dn]\n"

API_NAMES = (
    "DNS:kubernetes",
    "DNS:kubernetes.default",
    "DNS:kubernetes.default.svc",
    f"DNS:kubernetes.default.svc.{fixed.DOMAIN}",
    "DNS:localhost",
    f"IP:{fixed.KUBERNETES_SERVICE_IP}",
    f"IP:{fixed.NODE_IP}",
    "IP:127.0.0.1",
)


@dataclass(frozen=True)
class Certificate:
    """A leaf certificate: file name, subject, subject alternative names, and the authority that signs it."""

    name: str
    subject: str
    names: tuple[str, ...] = ()
    authority: str = "ca"


LEAVES = (
    Certificate("apiserver", "/CN=kube-apiserver", API_NAMES),
    Certificate("apiserver-kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client"),
    Certificate("front-proxy-client", "/CN=front-proxy-client", authority="front-proxy-ca"),
    Certificate("admin", "/O=system:masters/CN=admin"),
    Certificate("controller-manager", "/CN=system:kube-controller-manager"),
    Certificate("scheduler", "/CN=system:kube-scheduler"),
    Certificate("proxy", "/CN=system:kube-proxy"),
    Certificate(
        "kubelet",
        f"/O=system:nodes/CN=system:node:{fixed.NODE_NAME}",
        (f"DNS:{fixed.NODE_NAME}", f"IP:{fixed.NODE_IP}"),
    ),
)


def ensure(layout: Layout) -> None:
    """Make every authority, certificate and the service-account key pair that is not there yet."""
    folder = layout.certificates
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    request = folder / "openssl.cnf"
    state.replace_file(request, REQUEST)
    for authority in ("ca", "front-proxy-ca"):
        _authority(folder, authority)
    for leaf in LEAVES:
        _leaf(folder, leaf)
    _service_account_keys(folder)


def _authority(folder: Path, name: str) -> None:
    extensions = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,digitalSignature,keyCertSign")
    _sign(folder, name, f"/CN=serinus-{name}", extensions, ())


def _leaf(folder: Path, leaf: Certificate) -> None:
    extensions = [
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,digitalSignature",
        "extendedKeyUsage=serverAuth,clientAuth",
    ]
    if leaf.names:
        extensions.append(f"subjectAltName={','.join(leaf.names)}")
    signer = ("-CA", str(folder / f"{leaf.authority}.crt"), "-CAkey", str(folder / f"{leaf.authority}.key"))
    _sign(folder, leaf.name, leaf.subject, tuple(extensions), signer)


def _sign(folder: Path, name: str, subject: str, extensions: tuple[str, ...], signer: tuple[str, ...]) -> None:
    """Make name.key and name.crt; the certificate appears last, so it proves that both are whole."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    if certificate.is_file():
        return
    new_certificate, new_key = folder / f".{name}.crt.partial", folder / f".{name}.key.partial"
    command = ["openssl", "req", "-x509", "-config", str(folder / "openssl.cnf"), "-days", DAYS, *KEY, *signer]
    command += ["-subj", subject, "-keyout", str(new_key), "-out", str(new_certificate)]
    for extension in extensions:
        command += ["-addext", extension]
    host.output(*command)
    new_key.chmod(0o600)
    new_key.replace(key)
    new_certificate.replace(certificate)


def _service_account_keys(folder: Path) -> None:
    public, key = folder / "service-account.pub", folder / "service-account.key"
    if public.is_file():
        return
    new_key, new_public = folder / ".service-account.key.partial", folder / ".service-account.pub.partial"
    host.output("openssl", "genrsa", "-out", str(new_key), "2048")
    host.output("openssl", "rsa", "-in", str(new_key), "-pubout", "-out", str(new_public))
    new_key.replace(key)
    new_public.replace(public)
