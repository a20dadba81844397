"""Renders log pipelines as golden files: both agents' texts for some profiles, and every corpus after its pipeline.

It owns which file has what; `regenerate.py` writes them, tests/unit/test_log_goldens.py compares.
"""

from pathlib import Path

import yaml

from serinus.core.log_pipeline import pipeline
from serinus.core.logs import Profile
from serinus.core.runtime import LogFormat
from serinus.resources import log_pipeline, promtail
from serinus.resources.context import LogSettings
from serinus.resources.log_source import source_of
from tests.support import log_corpus, log_oracle

EXPECTED = Path(__file__).parent / "profiles"
SETTINGS = LogSettings(loki_url="http://loki-gateway.monitoring/loki/api/v1/push")
PROFILES = (
    *(Profile(parser=parser) for parser in LogFormat),
    Profile(parser=LogFormat.JSON, sample_percent=10),
    Profile(redact=()),
)


def goldens() -> dict[Path, str]:
    """Render all of them: path and wanted content."""
    found = {EXPECTED / f"{name}.redacted.txt": _redacted(name) for name in log_corpus.NAMES}
    sources = [source_of(log_corpus.service(name)) for name in log_corpus.NAMES]
    found[EXPECTED / "whole.promtail.yaml"] = promtail.merged(sources, SETTINGS)
    found[EXPECTED / "whole.alloy"] = log_pipeline.configuration(PROFILES, SETTINGS).text
    for profile in PROFILES:
        stages = [promtail.stage_of(stage) for stage in pipeline(profile)]
        found[EXPECTED / f"{profile.name}.promtail.yaml"] = yaml.safe_dump(stages, sort_keys=True, width=2**31)
    return found


def differences(wanted: dict[Path, str]) -> list[str]:
    """One line for each golden that is missing, stale, or rendered by nothing any more."""
    found = {path: path.read_text(encoding="utf-8") for path in sorted(EXPECTED.iterdir())} if EXPECTED.is_dir() else {}
    lines = [f"{path.name}: missing" for path in wanted if path not in found]
    lines += [f"{path.name}: stale" for path in wanted if path in found and found[path] != wanted[path]]
    return lines + [f"{path.name}: rendered by nothing" for path in found if path not in wanted]


def _redacted(name: str) -> str:
    """What a corpus becomes: level, what is counted, whether sampling may drop it, metadata, text."""
    profile = log_corpus.profile(name, sample_percent=10)
    lines = []
    for entry in log_oracle.run(pipeline(profile), log_corpus.lines(name), {}):
        told = [entry.labels["level"], "droppable" if entry.droppable < 1 else "kept"]
        told += sorted(word.removesuffix("_total") for word in entry.counted if word != "lines_total")
        told += [f"{key}={value}" for key, value in sorted(entry.metadata.items())]
        lines.append(f"[{' '.join(told)}] {entry.line}")
    return "\n".join(lines) + "\n"
