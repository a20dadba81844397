"""Reading of spec.monitoring.policies. Raises InvalidSpec; it knows no rule's text."""

from typing import Final

from serinus.core.fields import Fields, as_member
from serinus.core.model import InvalidSpec
from serinus.core.policies import Policies, PolicyAction, Rule

_PATH: Final = "policies"


def parse_policies(monitoring: Fields) -> Policies:
    """Read the rules that are asked for, each once, in the order of the reference; all of them by default."""
    fields = monitoring.child(_PATH)
    action = fields.one_of("action", PolicyAction, PolicyAction.AUDIT)
    if not fields.has("require"):
        return Policies(action=action)
    found = [as_member(v, Rule, f"{fields.at('require')}[{i}]") for i, v in enumerate(fields.values("require"))]
    if len(found) != len(set(found)):
        raise InvalidSpec(fields.at("require"), f"found {[str(r) for r in found]}, allowed is each rule once")
    return Policies(action=action, require=tuple(rule for rule in Rule if rule in found))
