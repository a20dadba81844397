"""Owns the removal of Kubernetes' and CNI's chains from the host's packet filter.

It must not touch a rule of anybody else: only chains whose names begin with KUBE- or CNI-, and jumps to them.
"""

import re
import shutil

from tests.cluster import host

OURS = re.compile(r"^(KUBE|CNI)-")
FAMILIES = ("iptables", "ip6tables")


def leftovers() -> list[str]:
    """Return `family table chain` for every chain of Kubernetes or CNI in this network namespace."""
    found = []
    for family in FAMILIES:
        for table, lines in _tables(family).items():
            found += [f"{family} {table} {chain}" for chain in _chains(lines)]
    return found


def remove() -> None:
    """Remove the jumps to those chains, then the chains, in one transaction for each table."""
    for family in FAMILIES:
        for table, lines in _tables(family).items():
            if commands := removal(lines):
                host.output(f"{family}-restore", "--noflush", stdin="\n".join([f"*{table}", *commands, "COMMIT", ""]))


def removal(lines: list[str]) -> list[str]:
    """Return the restore commands that remove Kubernetes' part of a table, given the table's saved lines."""
    chains = _chains(lines)
    jumps = []
    for line in lines:
        words = line.split()
        if not line.startswith("-A ") or OURS.match(words[1]):
            continue
        if "-j" in words and OURS.match(words[words.index("-j") + 1]):
            jumps.append(f"-D {line.removeprefix('-A ')}")
    return [*jumps, *(f"-F {chain}" for chain in chains), *(f"-X {chain}" for chain in chains)]


def _chains(lines: list[str]) -> list[str]:
    names = (line[1:].split()[0] for line in lines if line.startswith(":"))
    return sorted(name for name in names if OURS.match(name))


def _tables(family: str) -> dict[str, list[str]]:
    if shutil.which(f"{family}-save") is None:
        return {}
    tables: dict[str, list[str]] = {}
    current: list[str] = []
    for line in host.output(f"{family}-save").splitlines():
        if line.startswith("*"):
            current = tables.setdefault(line[1:], [])
        else:
            current.append(line)
    return tables
