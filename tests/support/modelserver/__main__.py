"""Entry point of `python -m tests.support.modelserver`.

It owns the exit code; it must not hold logic.
"""

import asyncio
import os
import sys

from .knowledge import InvalidKnowledge
from .serving import serve
from .settings import parse_settings


def main() -> int:
    """Serve as told by flags and environment; 2 when a setting or file cannot be used."""
    settings = parse_settings(sys.argv[1:], os.environ)
    try:
        return asyncio.run(serve(settings))
    except (InvalidKnowledge, ValueError, OSError) as error:
        sys.stderr.write(f"modelserver: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
