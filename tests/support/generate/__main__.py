"""Owns the command that writes every generated file, `python -m tests.support.generate`, and says which changed.

It must not write a file that is already right: times of files stay.
"""

import sys
from pathlib import Path

from tests.support.generate import ROOT, chart, dashboards, metrics, reference, runtimes, stages


def write(path: Path, text: str) -> bool:
    """Write a file when its content differs; return whether it did."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


def main() -> int:
    """Write the chart's files first: the install manifest is rendered from them."""
    wanted = chart.files()
    changed = [path for path, text in wanted.items() if write(path, text)]
    for stale in chart.stale_files():
        stale.unlink()
        changed.append(stale)
    later = {
        chart.INSTALL: chart.install_manifest(),
        reference.API_PAGE: reference.api_page(),
        metrics.PAGE: metrics.page(),
        runtimes.PAGE: runtimes.page(),
        stages.PAGE: stages.page(),
        **dashboards.files(),
    }
    changed += [path for path, text in later.items() if write(path, text)]
    print("\n".join(f"wrote {path.relative_to(ROOT)}" for path in changed) or "every generated file was right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
