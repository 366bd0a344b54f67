"""What a dashboard and its variables look like as Grafana 10 and later import them, and where panels stand in it.

The subject of each dashboard is in a module of its own: there are its panels, row by row, with their expressions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

WIDTH: Final = 24
"""Columns of Grafana's grid."""
SOURCE: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}
TAG: Final = "watcher"
"""The dashboards find each other by it: each has links to the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One that is chosen at the top, its values those of a label. `several`: any number of them, at first all."""

    name: str
    label: str
    values: str
    several: bool = True

    def written(self) -> Json:
        query = {"qryType": 1, "query": self.values, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
        chosen: Json = {"selected": True, "text": ["All"], "value": ["$__all"]} if self.several else {}
        return {
            "name": self.name,
            "label": self.label,
            "type": "query",
            "datasource": SOURCE,
            "definition": self.values,
            "query": query,
            "refresh": 2,  # when the time range changes: an account may be new
            "sort": 1,
            "hide": 0,
            "multi": self.several,
            "includeAll": self.several,
            "allValue": ".+" if self.several else None,
            "current": chosen,
            "options": [],
            "regex": "",
            "skipUrlSync": False,
        }


JOB: Final = Variable(name="job", label="Installation", values="label_values(watcher_build_info, job)", several=False)
ACCOUNT: Final = Variable(
    name="account", label="Account", values='label_values(watcher_account_state{job="$job"}, account)'
)
ENDPOINT: Final = Variable(
    name="endpoint", label="Endpoint", values='label_values(watcher_endpoint_state{job="$job"}, endpoint)'
)
INSTANCE: Final = Variable(
    name="instance", label="Process", values='label_values(watcher_build_info{job="$job"}, instance)'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel that has no place yet: `written` is all but that, in Grafana's form."""

    width: int
    height: int
    written: Json


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a title, from left to right and from top to bottom, each line of them of one height."""

    title: str
    panels: Sequence[Panel]


def dashboard(*, uid: str, title: str, text: str, variables: Sequence[Variable], rows: Sequence[Row]) -> Json:
    """A dashboard as it is imported; `text` says for what it is."""
    return {
        "uid": uid,
        "title": f"watcher: {title}",
        "description": text,
        "tags": [TAG],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "timepicker": {},
        "links": [_LINKS],
        "annotations": {"list": [_STARTS]},
        "templating": {"list": [_DATASOURCE, JOB.written(), *(each.written() for each in variables)]},
        "panels": [panel | {"id": number} for number, panel in enumerate(_placed(rows), 1)],
    }


def link(uid: str, title: str, *variables: tuple[str, str]) -> Json:
    """A link of a value to another dashboard, at the same time and installation, with those variables set."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables)
    return {
        "title": title,
        "url": f"/d/{uid}?${{__url_time_range}}&${{datasource:queryparam}}&${{job:queryparam}}{chosen}",
    }


_LINKS: Final[Json] = {
    "type": "dashboards",
    "tags": [TAG],
    "title": "",
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "icon": "external link",
    "tooltip": "",
    "url": "",
}
_DATASOURCE: Final[Json] = {
    "name": "datasource",
    "label": "Prometheus",
    "type": "datasource",
    "query": "prometheus",
    "refresh": 1,
    "hide": 0,
    "multi": False,
    "includeAll": False,
    "current": {},
    "options": [],
    "regex": "",
    "skipUrlSync": False,
}
_STARTS: Final[Json] = {
    "name": "Starts",
    "datasource": SOURCE,
    "enable": True,
    "hide": False,
    "iconColor": "blue",
    "expr": "max by (instance, version) ("
    'watcher_build_info{job="$job"} and on (instance) time() - process_start_time_seconds{job="$job"} < 120)',
    "step": "60s",
    "titleFormat": "{{instance}} started",
    "textFormat": "version {{version}}",
}
"""Marks in every graph when a process was started."""


def _placed(rows: Sequence[Row]) -> Iterator[Json]:
    """The rows' titles and panels, each with its place."""
    top = 0
    for row in rows:
        yield {
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1},
        }
        top += 1
        left = 0
        for panel in row.panels:
            yield panel.written | {"gridPos": {"x": left, "y": top, "w": panel.width, "h": panel.height}}
            left += panel.width
            if left >= WIDTH:
                left, top = 0, top + panel.height
