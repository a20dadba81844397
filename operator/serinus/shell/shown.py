"""Outputs as status shows them: from what became of a write, from the API that is not there, from the status before.

It reads and builds values; it decides nothing and writes nothing.
"""

from collections.abc import Callable, Mapping

from serinus.core.child import Head
from serinus.core.status import Output
from serinus.plan import Plan
from serinus.resources import Builder, output_of
from serinus.shell.kinds import Object
from serinus.shell.outcomes import Outcome


def shown_outputs(body: Object) -> list[Output]:
    """The outputs as status has them: nothing is known yet of those of a new state."""
    shown = (body.get("status") or {}).get("outputs") or []
    return [Output(**{k: str(o.get(k, "")) for k in ("kind", "name", "state", "reason", "message")}) for o in shown]


def output(outcome: Outcome, notes: Mapping[Builder, str]) -> Output:
    """The output of which this became; `notes`: what is said of each that was applied."""
    builder = output_of(outcome.ref.kind.kind, outcome.ref.name)
    return Output(
        kind=outcome.ref.kind.kind,
        name=outcome.ref.name,
        state="Failed" if outcome.failed else "Applied",
        reason=outcome.reason if outcome.failed else "",
        message=outcome.message if outcome.failed else (notes.get(builder, "") if builder else ""),
    )


def needless(head: Head, installed: Callable[[str], bool]) -> bool:
    """Whether another API does here what an output is for."""
    builder = output_of(head.kind, head.name)
    return builder is not None and bool(builder.unless) and installed(builder.unless)


def skipped(planned: Plan, installed: Callable[[str], bool]) -> list[Output]:
    """Outputs whose API is not installed: said, not forgotten."""
    return [
        Output(kind=h.kind, name=h.name, state="Skipped", reason="ApiNotInstalled")
        for h in (c.head for c in planned.children)
        if not installed(h.api_version) and output_of(h.kind, h.name)
    ]
