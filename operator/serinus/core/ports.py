"""Ports of a pod template: which container port a name or a number means. Pure look-up, no defaults."""

from typing import Any

from serinus.core.model import InvalidSpec, Manifest


def container_port(template: Manifest, port: str, path: str) -> int:
    """Find a port by name or number among the containers of a template; InvalidSpec lists what is there."""
    declared = declared_ports(template)
    for name, number in declared:
        if port in (name, str(number)):
            return number
    found = ", ".join(f"{name}={number}" if name else str(number) for name, number in declared) or "none"
    raise InvalidSpec(path, f"found {port!r}, which no container of spec.workload.template declares; declared: {found}")


def declared_ports(template: Manifest) -> list[tuple[str, int]]:
    """Name and number of every declared container port; malformed entries are left to the API server's check."""
    spec = template.get("spec")
    containers: Any = spec.get("containers") if isinstance(spec, dict) else None
    found = []
    for container in containers if isinstance(containers, list) else []:
        ports = container.get("ports") if isinstance(container, dict) else None
        found += [
            (str(port.get("name", "")), port["containerPort"])
            for port in (ports if isinstance(ports, list) else [])
            if isinstance(port, dict) and isinstance(port.get("containerPort"), int)
        ]
    return found
