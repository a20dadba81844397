"""The recording rules of a runtime: one PrometheusRule for the whole cluster, in the operator's namespace.

Where the operator serves a list of namespaces, and for a service that names its metrics itself, the rules are the
service's own, in its namespace. It knows no expression; `recording` does.
"""

from collections.abc import Iterable
from functools import lru_cache

from serinus.core import naming
from serinus.core.custom import CUSTOM
from serinus.core.model import Manifest
from serinus.core.promql import scope
from serinus.core.runtime import Runtime
from serinus.core.signals import SPEC_DECODE_ACCEPTANCE, UP, VOCABULARY, Form
from serinus.resources.context import Context, Settings
from serinus.resources.observer import ByModel, ByPod, OwnPods
from serinus.resources.recording import Rule, record


def build(runtime: Runtime, settings: Settings) -> list[Manifest]:
    """Build the object with every rule of a runtime that services have; it belongs to none of them."""
    return shared(naming.signal_rules(runtime.name), runtime.name, rules(runtime), settings)


def build_attached(runtime: Runtime, settings: Settings) -> list[Manifest]:
    """Build the object with every rule of a runtime that observes services of other runtimes."""
    return shared(naming.attached_rules(runtime.name), runtime.name, attached_rules(runtime), settings)


def build_own(context: Context) -> list[Manifest]:
    """Build the rules of one service: of a custom runtime, or of any where the operator has no cluster to itself."""
    service, settings = context.service, context.settings
    if settings.cluster_wide and service.runtime.name != CUSTOM:
        return []
    own = rules_of_service(service.runtime, service.namespace, service.name)
    if settings.cluster_wide:
        own = tuple(rule for rule in own if rule.record != UP)
    if not own:
        return []
    labels = {**settings.monitor_labels, **service.monitoring.labels, **naming.app_labels(service.name)}
    return [_object(naming.own_signals(service.name), service.namespace, labels, own)]


def shared(name: str, about: str, found: Iterable[Rule], settings: Settings) -> list[Manifest]:
    """Build a PrometheusRule of the operator's namespace; nothing, if there are no rules."""
    listed = tuple(found)
    if not listed:
        return []
    return [_object(name, settings.operator_namespace, shared_labels(about, settings), listed)]


def shared_labels(about: str, settings: Settings) -> dict[str, str]:
    """Labels of a PrometheusRule that belongs to no service."""
    labels = {
        "app.kubernetes.io/name": naming.APP,
        "app.kubernetes.io/component": "signals",
        naming.LABEL_MANAGED_BY: naming.APP,
        naming.LABEL_RUNTIME: about,
    }
    return {**settings.monitor_labels, **labels}


def _object(name: str, namespace: str, labels: dict[str, str], found: tuple[Rule, ...]) -> Manifest:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"groups": [{"name": name, "rules": [rule.data for rule in found]}]},
    }


@lru_cache(maxsize=64)
def rules(runtime: Runtime) -> tuple[Rule, ...]:
    """All rules of a runtime for the services that are of it, in the order in which they are evaluated."""
    return record(runtime, OwnPods(runtime)) if runtime.serves else ()


def rules_of_service(runtime: Runtime, namespace: str, name: str) -> tuple[Rule, ...]:
    """The same rules for one service alone."""
    return record(runtime, OwnPods(runtime, scope(namespace, name)))


@lru_cache(maxsize=64)
def attached_rules(runtime: Runtime) -> tuple[Rule, ...]:
    """All rules of a runtime as a second observer; nothing, if it cannot be one."""
    if runtime.model_label:
        return record(runtime, ByModel(runtime))
    return record(runtime, ByPod(runtime)) if runtime.attaches else ()


@lru_cache(maxsize=64)
def series(runtime: Runtime) -> frozenset[str]:
    """Every series that is recorded for a service of a runtime."""
    return frozenset(rule.record for rule in rules(runtime))


@lru_cache(maxsize=64)
def gaps(runtime: Runtime) -> tuple[str, ...]:
    """Signals of the vocabulary that a runtime could have and does not."""
    possible = [n for n, e in VOCABULARY.items() if runtime.kind in e.kinds and e.form is not Form.PART]
    found = series(runtime) | {rule.record for rule in attached_rules(runtime)}
    made = {"spec_decode_acceptance"} if SPEC_DECODE_ACCEPTANCE in found else set()
    return tuple(name for name in possible if name not in runtime.signals and name not in made)
