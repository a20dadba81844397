"""Owns the files of the repository that are generated from others, goldens apart.

It must not decide anything: each writer turns one source into the text of one file. `make verify` finds stale ones.
"""

from pathlib import Path

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "serinus"
