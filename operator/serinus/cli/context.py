"""What the commands without a cluster need: the catalogue, settings, and the ProbeSets of the files that were given."""

import os
from pathlib import Path

from serinus.cli.documents import Document
from serinus.core.questions import read_probe_set
from serinus.core.seen import ProbeSetSeen
from serinus.plan import Surroundings
from serinus.resources.context import Settings
from serinus.shell.catalogue import RUNTIMES, load

_REPOSITORY = Path(__file__).parents[3]


def data_folder(name: str, variable: str) -> Path:
    """Find a folder of data: where the variable says, else in this folder, else in the source tree."""
    if variable in os.environ:
        return Path(os.environ[variable])
    here = Path(name)
    return here if here.is_dir() else _REPOSITORY / name


def surroundings(*, probe_image: str, monitor_labels: dict[str, str]) -> Surroundings:
    """Make the surroundings of a plan from the data of this installation; raises InvalidCatalogue."""
    library = load(RUNTIMES, data_folder("alert-rules", "SERINUS_ALERT_RULES_DIR"))
    settings = Settings(probe_image=probe_image, monitor_labels=monitor_labels)
    return Surroundings(catalogue=library.runtimes, settings=settings, alerts=library.alerts)


def probe_sets(documents: list[Document], namespace: str) -> dict[str, ProbeSetSeen]:
    """Resolve the ProbeSets of a namespace among these objects, with the ConfigMaps that they refer to."""
    found = {}
    for document in documents:
        metadata = document.body.get("metadata") or {}
        if document.body["kind"] == "ProbeSet" and metadata.get("namespace", "default") == namespace:
            name, spec = str(metadata.get("name", "")), document.body.get("spec") or {}
            files = config_map_files(documents, namespace, spec)
            found[name] = read_probe_set(name, spec, files)[0]
    return found


def config_map_files(documents: list[Document], namespace: str, spec: dict[str, object]) -> dict[str, str]:
    """Return the files of the ConfigMap that a ProbeSet refers to, if it was given too."""
    source = spec.get("source")
    reference = source.get("configMapRef") if isinstance(source, dict) else None
    wanted = reference.get("name") if isinstance(reference, dict) else None
    for document in documents:
        metadata = document.body.get("metadata") or {}
        same = metadata.get("name") == wanted and metadata.get("namespace", "default") == namespace
        if document.body["kind"] == "ConfigMap" and same:
            return dict(document.body.get("data") or {})
    return {}
