"""Logging in as a pod does, and what the operator's process does not load. No cluster, no connection."""

import shutil
import subprocess
import sys
from pathlib import Path

import certifi
import pytest

from serinus.shell import login
from serinus.shell.login import LoginFailed, load_credentials


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pod's service account, as the kubelet mounts it."""
    (tmp_path / "token").write_text("first\n")
    shutil.copy(certifi.where(), tmp_path / "ca.crt")
    monkeypatch.setattr(login, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    return tmp_path


@pytest.mark.parametrize(
    ("host", "server"), [("10.0.0.1", "https://10.0.0.1:6443"), ("fd00::1", "https://[fd00::1]:6443")]
)
def test_pod_finds_the_server_its_ca_and_its_token(
    account: Path, monkeypatch: pytest.MonkeyPatch, host: str, server: str
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    found = load_credentials()
    assert (found.server, found.headers()) == (server, {"Authorization": "Bearer first"})
    assert found.tls is not None
    assert found.tls.check_hostname
    assert found.tls.get_ca_certs()
    (account / "token").write_text("second")
    assert found.reload().headers() == {"Authorization": "Bearer second"}


@pytest.mark.parametrize("name", ["token", "ca.crt"])
def test_pod_without_a_file_of_its_account_is_told_which(account: Path, name: str) -> None:
    (account / name).unlink()
    with pytest.raises(LoginFailed, match=str(account)):
        load_credentials()


def test_pod_with_an_empty_token_is_told_so(account: Path) -> None:
    (account / "token").write_text("\n")
    with pytest.raises(LoginFailed, match="the token is empty"):
        load_credentials()


def test_operator_in_a_pod_loads_no_kubernetes_package_and_whoever_wants_it_gets_it() -> None:
    script = (
        "import sys; from serinus.shell import lean; lean.import_kopf(); import serinus.shell.engine; "
        "assert not any(m.split('.')[0] == 'kubernetes' for m in sys.modules); "
        "from kubernetes import config; import kopf; print(config.__name__, kopf.on.event.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "kubernetes.config event\n"), done.stderr
