"""What only rendering and compiling finds: templates, scripts, patterns, schemas. It asks and scores nothing."""

from serinus.core.probe import ProbeSet, Problem
from serinus.probes.outcome import Misconfigured
from serinus.probes.prepared import prepare
from serinus.probes.quickjs_engine import QuickJs
from serinus.probes.templates import Templates


def check_probes(probe_set: ProbeSet) -> list[Problem]:
    """Every probe that the Job would refuse, with the line of what is wrong in it. Scripts are loaded, not called."""
    templates, engine = Templates(), QuickJs()
    problems: list[Problem] = []
    for probe in probe_set.probes:
        try:
            prepare(probe, templates, engine)
        except Misconfigured as e:
            problems.append(Problem(line=e.origin.line, field=probe.id, message=str(e), file=e.origin.file))
    return problems
