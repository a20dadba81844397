"""Owns the process of an operator that logs in as in a pod: `python -m tests.support.load.as_pod FOLDER HOST PORT`.

It loads nothing but the operator, whose memory is measured.
"""

import os
import sys
from pathlib import Path

from serinus.__main__ import main
from serinus.shell import login

if __name__ == "__main__":
    account, os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"] = sys.argv[1:]
    login.SERVICE_ACCOUNT = Path(account)  # type: ignore[misc]
    sys.exit(main(["operator"]))
