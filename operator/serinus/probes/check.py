"""What only rendering and compiling finds: templates, scripts, patterns, schemas. It asks and scores nothing."""

from contextlib import closing

from serinus.core.probe import ProbeSet, Problem
from serinus.probes.outcome import Misconfigured
from serinus.probes.prepared import prepare
from serinus.probes.templates import Templates
from serinus.probes.toolbox import make_tools


def check_probes(probe_set: ProbeSet, *, python: bool = True) -> list[Problem]:
    """Every probe that the Job would refuse, with the line of what is wrong in it. Scripts are loaded, not called."""
    templates, tools = Templates(), make_tools(python=python)
    problems: list[Problem] = []
    with closing(tools.python):
        for probe in probe_set.probes:
            try:
                prepare(probe, templates, tools)
            except Misconfigured as e:
                problems.append(Problem(line=e.origin.line, field=probe.id, message=str(e), file=e.origin.file))
    return problems
