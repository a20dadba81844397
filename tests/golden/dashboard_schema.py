"""The classic form of a dashboard as JSON schema, as far as we write it: what is not here is a typo.

It owns the form alone; what a value must mean, `dashboard_lint` says.
"""

from typing import Any, Final

Schema = dict[str, Any]
_TEXT: Final[Schema] = {"type": "string", "minLength": 1}
_PROMETHEUS: Final[Schema] = {"const": {"type": "prometheus", "uid": "${datasource}"}}
_LOKI: Final[Schema] = {"const": {"type": "loki", "uid": "${logs}"}}
_SOURCE: Final[Schema] = {"anyOf": [_PROMETHEUS, _LOKI]}
_WHOLE: Final[Schema] = {"type": "integer", "minimum": 0}


def closed(required: Schema, optional: Schema | None = None) -> Schema:
    """An object with these keys and no others."""
    both = {**required, **(optional or {})}
    return {"type": "object", "additionalProperties": False, "required": sorted(required), "properties": both}


_LINK: Final = closed({"title": _TEXT, "url": _TEXT, "targetBlank": {"type": "boolean"}})
_GRID: Final = closed({"x": _WHOLE, "y": _WHOLE, "w": {"type": "integer", "minimum": 1}, "h": {"type": "integer"}})
_TARGET: Final = closed(
    {
        "refId": {"type": "string", "pattern": "^[A-Z]$"},
        "expr": _TEXT,
        "editorMode": {"const": "code"},
        "datasource": _SOURCE,
        "legendFormat": {"type": "string"},
    },
    {
        "instant": {"type": "boolean"},
        "range": {"type": "boolean"},
        "exemplar": {"const": True},
        "format": {"enum": ["table", "heatmap"]},
        "queryType": {"const": "range"},
    },
)
_STEP: Final = closed({"color": _TEXT, "value": {"type": ["number", "null"]}})
_DEFAULTS: Final = closed(
    {"unit": _TEXT, "thresholds": closed({"mode": {"const": "absolute"}, "steps": {"type": "array", "items": _STEP}})},
    {
        "min": {"type": "number"},
        "max": {"type": "number"},
        "mappings": {"type": "array"},
        "links": {"type": "array", "items": _LINK},
        "custom": {"type": "object"},
    },
)
_FIELDS: Final = closed({"defaults": _DEFAULTS, "overrides": {"type": "array"}})
_PANEL: Final = closed(
    {
        "id": {"type": "integer", "minimum": 1},
        "type": {"enum": ["timeseries", "stat", "bargauge", "state-timeline", "heatmap", "table", "logs"]},
        "title": _TEXT,
        "description": _TEXT,
        "datasource": _SOURCE,
        "gridPos": _GRID,
        "targets": {"type": "array", "minItems": 1, "items": _TARGET},
        "fieldConfig": _FIELDS,
        "options": {"type": "object"},
    },
    {"transformations": {"type": "array", "items": closed({"id": _TEXT, "options": {"type": "object"}})}},
)
_ROW: Final = closed(
    {
        "id": {"type": "integer", "minimum": 1},
        "type": {"const": "row"},
        "title": _TEXT,
        "collapsed": {"type": "boolean"},
        "gridPos": _GRID,
        "panels": {"type": "array", "items": _PANEL},
    }
)
_VARIABLE: Final[Schema] = {
    "oneOf": [
        closed({"name": _TEXT, "label": _TEXT, "type": {"const": "datasource"}, "query": _TEXT, "refresh": _WHOLE})
        | {"additionalProperties": {"enum": [0]}},
        closed({"name": _TEXT, "type": {"const": "constant"}, "query": _TEXT, "hide": {"const": 2}, "current": {}}),
        closed(
            {
                "name": _TEXT,
                "label": _TEXT,
                "type": {"const": "query"},
                "datasource": _PROMETHEUS,
                "query": closed({"query": _TEXT, "refId": {"const": "A"}}),
                "definition": _TEXT,
                "refresh": {"const": 2},
                "sort": _WHOLE,
                "hide": _WHOLE,
                "multi": {"type": "boolean"},
                "includeAll": {"type": "boolean"},
            },
            {"allValue": _TEXT, "current": {}},
        ),
    ]
}
_ANNOTATION: Final = closed(
    {
        "name": _TEXT,
        "datasource": _PROMETHEUS,
        "enable": {"type": "boolean"},
        "expr": _TEXT,
        "step": _TEXT,
        "titleFormat": _TEXT,
        "textFormat": _TEXT,
        "iconColor": _TEXT,
    }
)
SCHEMA: Final = closed(
    {
        "uid": {"type": "string", "pattern": "^[a-z0-9-]{1,40}$"},
        "title": _TEXT,
        "tags": {"type": "array", "items": _TEXT},
        "schemaVersion": {"type": "integer", "minimum": 36, "maximum": 42},
        "version": {"const": 1},
        "editable": {"type": "boolean"},
        "graphTooltip": {"enum": [0, 1, 2]},
        "refresh": _TEXT,
        "timezone": {"const": "browser"},
        "time": closed({"from": _TEXT, "to": _TEXT}),
        "timepicker": {"type": "object"},
        "fiscalYearStartMonth": _WHOLE,
        "annotations": closed({"list": {"type": "array", "items": _ANNOTATION}}),
        "links": {"type": "array", "items": {"type": "object"}},
        "templating": closed({"list": {"type": "array", "items": _VARIABLE}}),
        "panels": {"type": "array", "items": {"oneOf": [_PANEL, _ROW]}},
    }
)
