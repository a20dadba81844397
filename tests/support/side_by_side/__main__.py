"""`python -m tests.support.side_by_side PATH…`: prints which expressions of these files can give data today.

With `--page FOLDER` it writes the page of the docs instead, from checkouts below FOLDER, `owner/name/path`.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from tests.support.side_by_side.judge import Judged, Verdict, judge
from tests.support.side_by_side.page import page
from tests.support.side_by_side.read import Unreadable, expressions, files


def main(arguments: list[str]) -> int:
    """Print what was found; 1 if something cannot give data, 2 for a file that cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.side_by_side", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files, or folders of files")
    parser.add_argument("--page", type=Path, metavar="FOLDER", help="checkouts, as sources.yaml names them")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the page to write; without it, stdout")
    told = parser.parse_args(arguments)
    if bool(told.paths) is bool(told.page):
        parser.error("found neither or both of PATH and --page, allowed is one of them")
    if told.page:
        text = page(told.page)
        if told.write:
            told.write.write_text(text, encoding="utf-8")
        else:
            sys.stdout.write(text)
        return 0
    return _judge(told.paths)


def _judge(paths: list[Path]) -> int:
    seen: Counter[Verdict] = Counter()
    unread = 0
    for path in files(paths):
        try:
            judged = judge(expressions(path))
        except Unreadable as e:
            print(e, file=sys.stderr)
            unread += 1
            continue
        print("\n".join(line(j) for j in judged) or f"{path.name}: no expression")
        seen.update(j.verdict for j in judged)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(seen.items())) or "nothing found")
    return 2 if unread else int(bool(seen[Verdict.NEVER] + seen[Verdict.ALWAYS]))


def line(judged: Judged) -> str:
    """What is printed of an expression."""
    e, told = judged.expression, "; ".join([*judged.reasons, *judged.notes])
    return f"{e.file}: {e.kind} {e.name or 'without a name'}: {judged.verdict}{f': {told}' if told else ''}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
