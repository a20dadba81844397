"""An AlertmanagerConfig as a plain configuration of Alertmanager, as prometheus-operator writes it, for its own tools.

What that operator adds (`alertmanagerConfigMatcherStrategy: OnNamespace`, its default) is added here: names of
receivers with namespace and object, a matcher on the namespace in the route and on both sides of inhibitions, and
`continue: true`.
"""

from pathlib import Path

from serinus.core.model import Manifest

NOBODY = "nobody"


def plain(objects: list[Manifest], secrets: Path) -> Manifest:
    """One configuration of all these objects; keys of Secrets are files `<secrets>/<name>-<key>`."""
    routes, receivers, inhibitions = [], [{"name": NOBODY}], []
    for found in objects:
        spec, namespace = found["spec"], found["metadata"]["namespace"]
        prefix = f"{namespace}/{found['metadata']['name']}/"
        within = f'namespace="{namespace}"'
        route = spec["route"]
        routes.append(
            {
                "receiver": prefix + route["receiver"],
                "matchers": [within, *map(_matcher, route["matchers"])],
                "group_by": route["groupBy"],
                "group_wait": route["groupWait"],
                "group_interval": route["groupInterval"],
                "repeat_interval": route["repeatInterval"],
                "continue": True,
            }
        )
        receivers += [_receiver(prefix, r, secrets) for r in spec["receivers"]]
        inhibitions += [
            {
                "source_matchers": [within, *map(_matcher, rule["sourceMatch"])],
                "target_matchers": [within, *map(_matcher, rule["targetMatch"])],
                "equal": rule["equal"],
            }
            for rule in spec["inhibitRules"]
        ]
    return {"route": {"receiver": NOBODY, "routes": routes}, "receivers": receivers, "inhibit_rules": inhibitions}


def _matcher(found: Manifest) -> str:
    return f'{found["name"]}{found["matchType"]}"{found["value"]}"'


def _receiver(prefix: str, found: Manifest, secrets: Path) -> Manifest:
    made: Manifest = {"name": prefix + found["name"]}
    for webhook in found.get("webhookConfigs", []):
        made["webhook_configs"] = [
            {"url_file": _file(webhook["urlSecret"], secrets), "send_resolved": webhook["sendResolved"]}
        ]
    for slack in found.get("slackConfigs", []):
        texts = {k: slack[k] for k in ("channel", "title", "text")}
        made["slack_configs"] = [
            {"api_url_file": _file(slack["apiURL"], secrets), "send_resolved": slack["sendResolved"], **texts}
        ]
    for pager in found.get("pagerdutyConfigs", []):
        texts = {k: pager[k] for k in ("description", "severity")}
        made["pagerduty_configs"] = [
            {"routing_key_file": _file(pager["routingKey"], secrets), "send_resolved": pager["sendResolved"], **texts}
        ]
    return made


def _file(reference: Manifest, secrets: Path) -> str:
    return str(secrets / f"{reference['name']}-{reference['key']}")
