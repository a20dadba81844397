"""What the real consumers made of the demo's objects: rules loaded, targets up, the owner's route, dashboards answered.

It judges what `tests/cluster/consumers` reads, and waits for nothing but that it settles.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.cluster import consumers
from tests.cluster.consumers import Answer, Query
from tests.cluster.kubectl import kubectl, wait_for
from tests.cluster.progress import StepError
from tests.e2e.demo import settings
from tests.e2e.demo.settings import OWNER
from tests.support import stackobjects
from tests.support.dashboards import boards

Json = dict[str, Any]
Ask = Callable[[Sequence[Query]], list[Answer]]
NAMESPACES = (settings.SYSTEM, settings.NAMESPACE)
DASHBOARDS = {
    (settings.SYSTEM, "serinus-services"),
    (settings.SYSTEM, "serinus-fleet"),
    (settings.NAMESPACE, f"{settings.SERVICE}-dashboard"),
}
_SECONDS = 60.0
_VALUES_OF = re.compile(r"label_values\((.+), *\w+\)")


@dataclass(frozen=True)
class Counted:
    """How many things were found, and what is wrong with them."""

    count: int
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """All that was found."""

    rules: Counted
    targets: Counted
    routes: Counted
    queries: Counted

    @property
    def problems(self) -> list[str]:
        """What differs from what is promised."""
        return [p for found in (self.rules, self.targets, self.routes, self.queries) for p in found.problems]

    def line(self, route: str) -> str:
        """One line for people; `route` is the receiver by which the page arrived."""
        return (
            f"monitoring: {self.rules.count} rules loaded, {self.targets.count} targets up, "
            f"{self.queries.count} dashboard queries answered, page by route {route}"
        )


def look() -> Findings:
    """Ask Prometheus and Alertmanager; what has not settled within a minute is a problem."""
    return Findings(
        rules=settled(loaded, "the rules"),
        targets=settled(scraped, "the targets"),
        routes=settled(routed, "the owner's route"),
        queries=dashboards(shown(), answers),
    )


def loaded() -> Counted:
    """Ask which rules of ours are loaded."""
    return rules(listed("prometheusrules"), consumers.rule_groups(), answers)


def scraped() -> Counted:
    """Ask which targets of ours are up."""
    return targets(listed("servicemonitors,services,pods"), consumers.targets())


def routed() -> Counted:
    """Ask whether Alertmanager has the owner's route."""
    return routes(consumers.routing())


def settled(counted: Callable[[], Counted], what: str, seconds: float = _SECONDS) -> Counted:
    """Look until nothing is wrong, for so many seconds; the last look."""
    found = [Counted(0, (f"{what}: not asked",))]

    def whole() -> bool:
        found.append(counted())
        return not found[-1].problems

    try:
        wait_for(whole, seconds, what)
    except StepError as problem:
        return found[-1] if len(found) > 1 else Counted(0, (str(problem),))
    return found[-1]


def listed(kinds: str) -> list[Json]:
    """Objects of the operator's namespace and the team's."""
    texts = (kubectl("-n", namespace, "get", kinds, "-o", "json") for namespace in NAMESPACES)
    return [item for text in texts for item in json.loads(text)["items"]]


def rules(objects: Sequence[Json], groups: Sequence[Json], ask: Ask) -> Counted:
    """Hold the rules that Prometheus has loaded to PrometheusRules; a file of rules carries its object's uid.

    A rule that was not due yet, some groups are evaluated every 5 minutes, is asked as a query.
    """
    count, problems, young = 0, [], []
    for item in objects:
        name = f"PrometheusRule {item['metadata']['namespace']}/{item['metadata']['name']}"
        wanted = sum(len(group["rules"]) for group in item["spec"]["groups"])
        file = f"{item['metadata']['uid']}.yaml"
        loaded = [rule for group in groups if group["file"].endswith(file) for rule in group["rules"]]
        if len(loaded) != wanted:
            problems.append(f"{name}: {len(loaded)} of its {wanted} rules are loaded")
        for rule in loaded:
            if rule.get("lastError") or rule["health"] == "err":
                problems.append(f"{name}: {rule['name']}: {rule.get('lastError') or rule['health']}")
            elif rule["health"] != "ok":
                young.append(Query(rule["query"], instant=True))
        count += len(loaded)
    refused = tuple(f"rule {a.query.expr}: {a.error}" for a in ask(young) if a.error)
    return Counted(count, (*(problems or ([] if count else ["no rule is loaded"])), *refused))


def targets(objects: Sequence[Json], found: Sequence[Json]) -> Counted:
    """Hold what Prometheus scrapes to ServiceMonitors: every running pod that one selects is a target, and is up."""
    ours = [t for t in found if t["scrapePool"].startswith(tuple(f"serviceMonitor/{n}/" for n in NAMESPACES))]
    problems = [
        f"target {t['scrapeUrl']} of {t['scrapePool']}: {t['health']}: {t['lastError']}"
        for t in ours
        if t["health"] != "up"
    ]
    for monitor in (o for o in objects if o["kind"] == "ServiceMonitor"):
        name = f"{monitor['metadata']['namespace']}/{monitor['metadata']['name']}"
        scraped = {t["labels"]["pod"] for t in ours if t["scrapePool"].startswith(f"serviceMonitor/{name}/")}
        pods = set(_pods_of(monitor, objects))
        problems += [f"ServiceMonitor {name}: pod {pod} is no target" for pod in sorted(pods - scraped)]
        problems += [] if pods else [f"ServiceMonitor {name}: selects no pod that runs"]
    return Counted(len(ours), tuple(problems) if ours else (*problems, "nothing of ours is scraped"))


def _pods_of(monitor: Json, objects: Sequence[Json]) -> Iterator[str]:
    """Names of the pods that run behind the Services that a ServiceMonitor selects."""
    near = [o for o in objects if o["metadata"]["namespace"] == monitor["metadata"]["namespace"]]
    services = [o for o in near if o["kind"] == "Service"]
    chosen = [s for s in services if _has(s["metadata"].get("labels"), monitor["spec"]["selector"]["matchLabels"])]
    for pod in (o for o in near if o["kind"] == "Pod"):
        runs = pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
        if runs and any(_has(pod["metadata"].get("labels"), service["spec"]["selector"]) for service in chosen):
            yield pod["metadata"]["name"]


def _has(labels: Json | None, wanted: Json) -> bool:
    return wanted.items() <= (labels or {}).items()


def routes(configuration: Json) -> Counted:
    """Hold Alertmanager's configuration to the owner's route: it is there, for this service alone, beside the stack's.

    The receivers of both are known.
    """
    found = [r for r in configuration["route"].get("routes", ()) if r["receiver"] == OWNER]
    named = {r["name"] for r in configuration["receivers"] if r.get("webhook_configs")}
    wanted = {f'namespace="{settings.NAMESPACE}"', f'llmservice="{settings.SERVICE}"'}
    problems = [f"Alertmanager has {len(found)} routes to {OWNER}, promised 1"] if len(found) != 1 else []
    problems += [f"route to {OWNER}: {r['matchers']}, promised {wanted}" for r in found if set(r["matchers"]) != wanted]
    problems += [f"Alertmanager has no webhook {name}" for name in (OWNER, "webhook") if name not in named]
    return Counted(len(found), tuple(problems))


def shown() -> dict[tuple[str, str], Json]:
    """Dashboards by namespace and name of their ConfigMaps, found by the label for which the stack's Grafana looks."""
    told = stackobjects.sidecar()
    text = kubectl(
        "get", "configmaps", "--all-namespaces", "-l", f"{told['LABEL']}={told['LABEL_VALUE']}", "-o", "json"
    )
    return {
        (item["metadata"]["namespace"], item["metadata"]["name"]): json.loads(board)
        for item in json.loads(text)["items"]
        for board in item["data"].values()
    }


def dashboards(found: Mapping[tuple[str, str], Json], ask: Ask) -> Counted:
    """Ask every query of the dashboards that Prometheus answers: of panels, annotations and variables."""
    missing = [f"no dashboard {namespace}/{name}" for namespace, name in sorted(DASHBOARDS - set(found))]
    asked = [query for board in found.values() for query in queries(board)]
    refused = [f"dashboard query {a.query.expr}: {a.error}" for a in ask(asked) if a.error]
    return Counted(len(asked), (*missing, *refused))


def queries(board: Json) -> Iterator[Query]:
    """Every query of a dashboard for Prometheus, its variables filled in with the demo's service."""
    for asked in boards.queries(board):
        if not asked.logs:
            yield Query(asked.expr, instant=bool(asked.target["instant"]))
    values = boards.variables(board)
    for note in board["annotations"]["list"]:
        if note.get("datasource", {}).get("type") == "prometheus":
            yield Query(boards.filled(note["expr"], values), instant=False)
    for variable in board["templating"]["list"]:
        if match := _VALUES_OF.fullmatch(variable.get("definition") or ""):
            yield Query(boards.filled(match[1], values), instant=True)


def answers(wanted: Sequence[Query]) -> list[Answer]:
    """Ask each query once, however many panels have it."""
    return list(consumers.answers(list(dict.fromkeys(wanted)))) if wanted else []
