"""The table at the end of the demo, and what to try next. Text only."""

from collections.abc import Sequence

from tests.e2e.demo import settings
from tests.e2e.demo.story import Row

_HEAD = (
    "change",
    "revision",
    "became",
    "verdict",
    "calls",
    "evidence (limit)",
    "Ready to decision",
    "users",
    "failed",
    "unproven",
)


def render(rows: Sequence[Row]) -> str:
    """One line a change, columns as wide as their content."""
    lines = [_HEAD, *(_line(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _line(row: Row) -> tuple[str, ...]:
    return (
        row.change.name,
        row.revision,
        row.phase,
        row.verdict,
        str(row.calls),
        row.evidence,
        f"{row.decided:.0f} s",
        str(row.users),
        str(row.failed),
        str(row.unproven),
    )


def what_next(kubeconfig: str) -> str:
    """Commands for somebody who wants to look around."""
    where = f"-n {settings.NAMESPACE}"
    return "\n".join(
        (
            "The cluster is up. Try:",
            f"  export KUBECONFIG={kubeconfig}",
            f"  kubectl {where} get llm -o wide",
            f"  kubectl {where} describe llm {settings.SERVICE}",
            f"  kubectl {where} get proberuns",
            f"  kubectl {where} edit llm {settings.SERVICE}     # change an argument, then: kubectl {where} get llm -w",
            f"  kubectl {where} get servicemonitors,prometheusrules,alertmanagerconfigs",
            "  kubectl get configmaps -A -l grafana_dashboard=1     # what Grafana would show",
            "  kubectl -n monitoring logs deployment/serinus-receiver     # every page",
            "  make cluster-down",
        )
    )
