"""Writes the golden files, `python -m tests.golden.regenerate`, and says which changed. It judges nothing."""

import sys

from tests.golden import log_profiles, render


def main() -> int:
    """Write what differs and remove what nothing renders any more."""
    wanted = render.goldens()
    changed = render.differences(wanted, render.EXPECTED) if render.EXPECTED.is_dir() else [str(p) for p in wanted]
    for path in set(render.EXPECTED.rglob("*.yaml")) - wanted.keys():
        path.unlink()
    for path, content in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    logs = log_profiles.goldens()
    changed += log_profiles.differences(logs)
    for path in set(log_profiles.EXPECTED.glob("*")) - logs.keys():
        path.unlink()
    for path, content in logs.items():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    print("\n".join(changed) or "every golden was right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
