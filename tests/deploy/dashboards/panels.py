"""The kinds of panels that the dashboards are made of: one figure, lines, quantiles, a heat map, states over time, a table.

All times are seconds and all shares fractions of 1, as in the metrics; Grafana writes them as people read them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tests.deploy.dashboards.shape import SOURCE, Json, Panel

RARE: Final = "2m"
"""The least step for what happens rarely: its rates go over eight minutes at least, or quantiles would be full of gaps."""
COUNTED: Final = "1m"
"""The least step where it is counted what happened in each: each must be scraped some times, and nothing be counted twice."""
LATELY: Final = "10m"
"""Over how long rates in tables are, which show how things are now."""
GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "text"


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and what its series are called in the legend. `step` is the least between two points."""

    expr: str
    legend: str = ""
    step: str = ""

    def written(self, number: int, **more: object) -> Json:
        named = {"refId": chr(ord("A") + number), "datasource": SOURCE, "editorMode": "code", "expr": self.expr}
        return named | {"legendFormat": self.legend, "interval": self.step, **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: an expression with one value for each row. `states` name its values; from `bad` on it is red."""

    title: str
    expr: str
    unit: str = "short"
    decimals: int | None = None
    bad: float | None = None
    states: "States | None" = None


States = Mapping[int, tuple[str, str]]
"""What a value means, and its colour."""


def stat(
    title: str,
    text: str,
    expr: str,
    *,
    unit: str = "short",
    decimals: int | None = None,
    bad: float | None = None,
    warn: float | None = None,
    below: bool = False,
    absent: str = "no data",
    width: int = 4,
    linked: Json | None = None,
) -> Panel:
    """One figure as it is now: red from `bad` on (`below`: under it), orange from `warn` on. `absent` is shown without one."""
    if below:
        steps = [_step(RED, None), _step(GREEN, bad)]
    else:
        steps = [_step(GREEN, None)]
        steps += [_step(colour, value) for colour, value in ((ORANGE, warn), (RED, bad)) if value is not None]
    defaults = _defaults(unit, decimals) | {"thresholds": {"mode": "absolute", "steps": steps}, "noValue": absent}
    return _panel(
        "stat",
        title,
        text,
        [Query(expr).written(0, instant=True, range=False)],
        defaults | {"color": {"mode": "thresholds"}, "links": [] if linked is None else [linked]},
        options={
            "colorMode": "background",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": "value",
            "wideLayout": True,
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
        width=width,
        height=4,
    )


def processes_down(*, width: int = 4, linked: Json | None = None) -> Panel:
    """How many processes there should be, and are not."""
    return stat(
        "Processes down",
        "Processes that Prometheus cannot scrape. Red: look at the machine, its logs, and /livez. "
        "Runbook: Down, ReplicaDown.",
        'sum(1 - up{job="$job"})',
        bad=1,
        width=width,
        linked=linked,
    )


def lines(
    title: str,
    text: str,
    *queries: Query,
    unit: str = "short",
    stacked: bool = False,
    bars: bool = False,
    colours: Mapping[str, str] | None = None,
    limit: float | None = None,
    least: float | None = 0,
    most: float | None = None,
    width: int = 12,
    linked: Json | None = None,
) -> Panel:
    """Figures over time, as lines, or as bars where they count what happened in each step ($__interval). `colours` are of
    series, by regular expressions over their names; at `limit` begins what is bad.
    """
    custom: Json = {
        "drawStyle": "bars" if bars else "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 80 if bars else 30 if stacked else 8,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "off" if limit is None else "dashed"},
    }
    defaults = _defaults(unit, None) | {"custom": custom, "color": {"mode": "palette-classic"}}
    defaults |= {name: bound for name, bound in (("min", least), ("max", most)) if bound is not None}
    if limit is not None:
        defaults["thresholds"] = {"mode": "absolute", "steps": [_step(GREEN, None), _step(RED, limit)]}
    if linked is not None:
        defaults["links"] = [linked]
    return _panel(
        "timeseries",
        title,
        text,
        [
            (replace(query, step=COUNTED) if bars else query).written(number, range=True)
            for number, query in enumerate(queries)
        ],
        defaults,
        overrides=[_colour(pattern, colour) for pattern, colour in (colours or {}).items()],
        options={
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        width=width,
        height=8,
    )


def quantiles(
    title: str, text: str, buckets: str, *, limit: float | None = None, step: str = "", width: int = 12
) -> Panel:
    """p50, p95 and p99 of a histogram: `buckets` selects its buckets, all labels but `le` are added up."""
    asked = [
        Query(f"histogram_quantile({share}, sum by (le) (rate({buckets}[$__rate_interval])))", name, step)
        for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
    ]
    colours = {"p50": GREEN, "p95": ORANGE, "p99": RED}
    return lines(title, text, *asked, unit="s", colours=colours, limit=limit, width=width)


def heatmap(title: str, text: str, buckets: str, *, step: str = COUNTED, width: int = 12) -> Panel:
    """How many fell into each bucket of a histogram over time, all labels but `le` added up."""
    query = Query(f"sum by (le) (increase({buckets}[$__interval]))", "{{le}}", step)
    return _panel(
        "heatmap",
        title,
        text,
        [query.written(0, format="heatmap", range=True)],
        {
            "custom": {
                "scaleDistribution": {"type": "linear"},
                "hideFrom": {"legend": False, "tooltip": False, "viz": False},
            }
        },
        options={
            "calculate": False,
            "cellGap": 1,
            "cellValues": {"unit": "short", "decimals": 1},
            "color": {
                "mode": "scheme",
                "scheme": "Oranges",
                "fill": "dark-orange",
                "steps": 64,
                "exponent": 0.5,
                "reverse": False,
                "scale": "exponential",
            },
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": True},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": "s"},
        },
        width=width,
        height=8,
    )


def timeline(title: str, text: str, query: Query, states: States, *, linked: Json | None = None) -> Panel:
    """In which state each was when, a line for each."""
    defaults = _defaults("none", None) | {
        "custom": {"fillOpacity": 80, "lineWidth": 0},
        "color": {"mode": "thresholds"},
        "mappings": [_mapping(states)],
        "links": [] if linked is None else [linked],
    }
    return _panel(
        "state-timeline",
        title,
        text,
        [query.written(0, range=True)],
        defaults,
        options={
            "alignValue": "left",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "mergeValues": True,
            "perPage": 20,
            "rowHeight": 0.85,
            "showValue": "never",
            "tooltip": {"mode": "single", "sort": "none"},
        },
        width=24,
        height=8,
    )


def table(
    title: str,
    text: str,
    labels: dict[str, str],
    *columns: Column,
    height: int = 8,
    linked: Json | None = None,
) -> Panel:
    """A row for each value of the first label, as it is now: rates are over LATELY. `labels` are the first columns, with what is
    over them; `linked` is where the very first leads.
    """
    queries = [
        Query(column.expr.replace("$__rate_interval", LATELY)).written(
            number, format="table", instant=True, range=False
        )
        for number, column in enumerate(columns)
    ]
    values = ["Value"] if len(columns) == 1 else [f"Value #{query['refId']}" for query in queries]
    names = labels | dict(zip(values, (column.title for column in columns), strict=True))
    transformations = [
        {"id": "merge", "options": {}},
        {"id": "filterFieldsByName", "options": {"include": {"names": list(names)}}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {},
                "indexByName": {name: place for place, name in enumerate(names)},
                "renameByName": names,
            },
        },
    ]
    overrides = [_column(column) for column in columns]
    if linked is not None:
        first = next(iter(labels.values()))
        overrides.append({"matcher": _named(first), "properties": [{"id": "links", "value": [linked]}]})
    return _panel(
        "table",
        title,
        text,
        queries,
        {"custom": {"align": "auto", "filterable": True}, "noValue": "–"},
        overrides=overrides,
        options={"cellHeight": "sm", "showHeader": True, "footer": {"show": False, "reducer": ["sum"], "fields": ""}},
        width=24,
        height=height,
        transformations=transformations,
    )


def _panel(
    kind: str,
    title: str,
    text: str,
    targets: Sequence[Json],
    defaults: Json,
    *,
    options: Json,
    width: int,
    height: int,
    overrides: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
) -> Panel:
    written: Json = {
        "type": kind,
        "title": title,
        "description": text,
        "datasource": SOURCE,
        "targets": list(targets),
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
    }
    if transformations:
        written["transformations"] = list(transformations)
    return Panel(width=width, height=height, written=written)


def _defaults(unit: str, decimals: int | None) -> Json:
    return {"unit": unit, "mappings": []} | ({} if decimals is None else {"decimals": decimals})


def _step(colour: str, value: float | None) -> Json:
    return {"color": colour, "value": value}


def _named(name: str) -> Json:
    return {"id": "byName", "options": name}


def _colour(pattern: str, colour: str) -> Json:
    return {
        "matcher": {"id": "byRegexp", "options": f"/^{pattern}$/"},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
    }


def _mapping(states: States) -> Json:
    options = {
        str(value): {"index": index, "text": name, "color": colour}
        for index, (value, (name, colour)) in enumerate(states.items())
    }
    return {"type": "value", "options": options}


def _column(column: Column) -> Json:
    """How the values of a column are written, and coloured where some of them are bad."""
    properties: list[Json] = [{"id": "unit", "value": column.unit}]
    if column.decimals is not None:
        properties.append({"id": "decimals", "value": column.decimals})
    if column.states is not None:
        properties.append({"id": "mappings", "value": [_mapping(column.states)]})
    if column.bad is not None:
        steps = [_step(GREY, None), _step(RED, column.bad)]
        properties.append({"id": "thresholds", "value": {"mode": "absolute", "steps": steps}})
    if column.states is not None or column.bad is not None:
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
    return {"matcher": _named(column.title), "properties": properties}
