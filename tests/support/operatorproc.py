"""Owns the operator as a real subprocess before a test bed: settings by environment, its log, its signals, its end.

It must not know what the operator does; it reads nothing of it but its log, its health endpoint and /proc.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.support.apibed import ApiBed
from tests.support.processes import Child, Ended, eventually

ROOT = Path(__file__).parent.parent.parent
QUICK_LEASE: Mapping[str, str] = {
    "LEASE_DURATION": "5s",
    "LEASE_RENEW_DEADLINE": "3500ms",
    "LEASE_RETRY_PERIOD": "500ms",
    "WRITE_TIMEOUT": "1s",
}
"""For tests of the takeover: as short as a busy machine of two cores allows without a Lease that is lost by itself."""
_START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process has used: CPU seconds so far (of it and its threads) and resident MiB, now and at most."""

    cpu: float
    rss: float
    peak: float


@dataclass
class Operator:
    """One replica. `settings` are variables without their prefix; `start` may be called again after the end."""

    kubeconfig: Path
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    _child: Child | None = None
    _offset: int = 0

    def start(self, *, leading: bool = True) -> "Operator":
        """Start the process, and wait until it leads, or with `leading=False` until it serves its health endpoint."""
        self._offset = self.log.stat().st_size if self.log.exists() else 0
        ports = {"METRICS_PORT": "0", "HEALTH_PORT": "0", "GATE_PORT": "0"}
        # The bed has no policy that checks who signs a Decision.
        own = {"ALERT_RULES_DIR": str(ROOT / "alert-rules"), "ALLOW_UNVERIFIED_DECISIONS": "true", **ports}
        environment = {f"SERINUS_{k}": v for k, v in {**own, **self.settings}.items()}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "operator"), os.environ.get("PYTHONPATH", "")])
        self._child = Child(self.command(), log=self.log, environment=environment)
        self.wait_for("leading" if leading else "serving")
        return self

    def command(self) -> list[str]:
        """How it is started."""
        return [sys.executable, "-m", "serinus", "operator", "--kubeconfig", str(self.kubeconfig)]

    @property
    def pid(self) -> int:
        """The process id."""
        return self._running.pid

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._child is None or self._child.returncode is not None

    @property
    def exit_code(self) -> int | None:
        """The exit code (negative: the signal), None while it runs."""
        return self._running.returncode

    def events(self, name: str = "") -> Iterator[dict[str, Any]]:
        """Lines of the log since the last start, of this event or all."""
        with self.log.open("rb") as log:
            log.seek(self._offset)
            content = log.read()
        for line in content[: content.rfind(b"\n") + 1].splitlines():
            try:
                found = json.loads(line)
            except ValueError:
                found = {"event": line.decode(errors="replace")}
            if name in ("", found.get("event")):
                yield found

    def wait_for(self, event: str, *, seconds: float = _START_SECONDS) -> dict[str, Any]:
        """Wait for a line of the log since the last start; raises Ended when the process is gone first."""

        def found() -> dict[str, Any] | None:
            here = next(self.events(event), None)
            if here is None:
                self._running.check()
            return here

        return eventually(found, f"the operator says {event!r}", seconds=seconds)

    def kill(self) -> None:
        """SIGKILL."""
        self._running.kill()

    def stop(self, seconds: float = 10.0) -> int:
        """SIGTERM; the exit code."""
        return self._running.stop(seconds)

    def pause(self) -> None:
        """SIGSTOP."""
        self._running.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._running.signal(signal.SIGCONT)

    def wait_ended(self, *, seconds: float) -> int:
        """Wait for the end; the exit code."""
        eventually(lambda: self.ended, f"the operator ends; its log: {self.tail()}", seconds=seconds)
        assert self.exit_code is not None
        return self.exit_code

    def close(self) -> None:
        """End it, whatever it does."""
        if self._child is not None:
            self._child.kill()

    def healthy(self, path: str = "/readyz") -> bool:
        """Whether the health endpoint says yes."""
        return requests.get(f"{self._address('health')}{path}", timeout=2).ok

    def sums(self, metric: str, label: str = "") -> Counter[str]:
        """Samples of a metric of its own, added up by the values of one label."""
        found: Counter[str] = Counter()
        for line in requests.get(f"{self._address('metrics')}/metrics", timeout=5).text.splitlines():
            if line.startswith((f"{metric}{{", f"{metric} ")):
                value = line.partition(f'{label}="')[2].partition('"')[0] if label else ""
                found[value] += int(float(line.rpartition(" ")[2]))
        return found

    def _address(self, what: str) -> str:
        port = next(line["port"] for line in self.events("serving") if line["what"] == what)
        return f"http://127.0.0.1:{port}"

    def cost(self) -> Cost:
        """What the running process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        status = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in status if line.startswith("Vm")}
        return Cost(ticks / os.sysconf("SC_CLK_TCK"), sizes["VmRSS"], sizes["VmHWM"])

    def tail(self, lines: int = 15) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return "(no log)"
        return "\n" + "\n".join(line[:600] for line in self.log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def _running(self) -> Child:
        if self._child is None:
            raise Ended("the operator was never started")
        return self._child


def namespaced(
    bed: ApiBed, namespace: str, *, url: str = "", token: str = "", name: str = "one", **more: str
) -> Operator:
    """An operator for one namespace, its Lease in it too, that is not started; one of the same name needs no wait."""
    settings = {"NAMESPACES": namespace, "NAMESPACE": namespace, "IDENTITY": name, **more}
    log = bed.server.folder / f"operator-{namespace}-{name}.log"
    return Operator(bed.kubeconfig(url=url), log, settings)
