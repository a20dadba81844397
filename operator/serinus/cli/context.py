"""What the commands without a cluster need: the catalogue, settings, and the ProbeSets of the files that were given."""

import dataclasses
import os
import sys
from pathlib import Path

from serinus.cli.documents import Document
from serinus.cli.unusable import Unusable
from serinus.core import flags
from serinus.core.model import Service
from serinus.core.questions import read_probe_set
from serinus.core.seen import ProbeSetSeen
from serinus.plan import Surroundings
from serinus.shell.catalogue import RUNTIMES, load
from serinus.shell.output_settings import output_settings
from serinus.shell.settings import InvalidSetting, load_settings

_PLACES = (Path(), Path(__file__).parents[3], Path("/usr/share/serinus"))
"""Where folders of data are: here, in the source tree, in the image."""


def data_folder(name: str, variable: str) -> Path:
    """Find a folder of data: where the variable says, else here, in the source tree, or in the image."""
    if os.environ.get(variable):
        return Path(os.environ[variable])
    return next((place / name for place in _PLACES if (place / name).is_dir()), Path(name))


def surroundings(*, probe_image: str, monitor_labels: dict[str, str]) -> Surroundings:
    """Make the surroundings of a plan from the data of this installation; raises InvalidCatalogue."""
    library = load(RUNTIMES, data_folder("alert-rules", "SERINUS_ALERT_RULES_DIR"))
    try:
        settings = output_settings(load_settings(os.environ), library)
    except InvalidSetting as e:
        raise Unusable(str(e)) from e
    settings = dataclasses.replace(settings, probe_image=probe_image, monitor_labels=monitor_labels)
    return Surroundings(catalogue=library.runtimes, settings=settings, alerts=library.alerts)


def probe_sets(documents: list[Document], namespace: str, *, python: bool = True) -> dict[str, ProbeSetSeen]:
    """Resolve the ProbeSets of a namespace among these objects, with the ConfigMaps that they refer to.

    `python`: whether they may have scripts in Python.
    """
    found = {}
    for document in documents:
        spec = document.body.get("spec")
        if document.kind == "ProbeSet" and document.namespace == namespace and isinstance(spec, dict):
            files = config_map_files(documents, namespace, spec)
            labelled = files_of(documents, namespace, named_config_map(spec, "calibration"))
            found[document.name] = read_probe_set(document.name, spec, files, labelled, python=python)[0]
    return found


def config_map_files(documents: list[Document], namespace: str, spec: dict[str, object]) -> dict[str, str]:
    """Return the files of the ConfigMap that a ProbeSet refers to, if it was given too."""
    return files_of(documents, namespace, config_map_of(spec))


def files_of(documents: list[Document], namespace: str, name: str) -> dict[str, str]:
    """Return the files of a ConfigMap among these objects; none without a name, or if it is not there."""
    for document in documents:
        if name and document.kind == "ConfigMap" and document.name == name and document.namespace == namespace:
            data = document.body.get("data")
            return {str(k): v for k, v in data.items() if isinstance(v, str)} if isinstance(data, dict) else {}
    return {}


def config_map_of(spec: dict[str, object]) -> str:
    """Return the name of the ConfigMap that a ProbeSet refers to, empty if it refers to none."""
    return named_config_map(spec, "source")


def named_config_map(spec: dict[str, object], field: str) -> str:
    """Return the name of the ConfigMap in a field of a ProbeSet (source, calibration), empty if there is none."""
    source = spec.get(field)
    reference = source.get("configMapRef") if isinstance(source, dict) else None
    return str(reference.get("name", "")) if isinstance(reference, dict) else ""


def tell_notes(title: str, service: Service) -> None:
    """Say on stderr what the metrics of a service depend on and its template does not show."""
    for note in (*flags.metrics_off(service), *flags.notes(service)):
        print(f"serinus: note: {title}: {note}", file=sys.stderr)


def pairs(texts: list[str], flag: str) -> dict[str, str]:
    """Read `KEY=VALUE` arguments of a flag; raises Unusable for a text without a key or without `=`."""
    found = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not key or not sign:
            raise Unusable(f"{flag}: found {text!r}, allowed is KEY=VALUE")
        found[key] = value
    return found
