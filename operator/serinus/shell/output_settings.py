"""From the settings of the operator to what shows of them in generated objects.

One place for the operator and for `serinus render`, which prints what the operator would apply.
"""

from serinus.core.catalogue import Library
from serinus.resources.context import Settings as OutputSettings
from serinus.shell.settings import Settings


def output_settings(settings: Settings, library: Library) -> OutputSettings:
    """Pick what builders need."""
    return OutputSettings(
        probe_image=settings.probe_image,
        endpoints=settings.endpoints,
        endpoint_cidrs=settings.endpoint_cidrs,
        monitor_labels=settings.monitor_labels,
        logs=settings.logs,
        traces=settings.traces,
        inhibitions=library.inhibitions,
        runbook_base=settings.runbook_url,
        dashboard_base=settings.dashboard_url,
        dashboard_labels=settings.dashboard_labels,
        grafanas=settings.grafanas,
        operator_namespace=settings.namespace,
        cluster_wide=settings.cluster_wide,
        prices=settings.prices,
        allow_python=settings.allow_python,
        observers=settings.observers,
        dns=settings.dns_targets,
        network=settings.network,
        admission_policy=settings.admission_policy,
        user=settings.user,
        allowed=settings.allowed,
    )
