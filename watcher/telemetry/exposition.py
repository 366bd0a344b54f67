"""What a scrape gets: everything as Prometheus' text, or as OpenMetrics for whoever would rather have that."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from watcher.telemetry.samples import Count, Level, Spread
from watcher.telemetry.series import Series

AnySeries = Series[Count] | Series[Level] | Series[Spread]


class Format(NamedTuple):
    """How a scrape is written, and what it is called."""

    openmetrics: bool
    content_type: str


TEXT: Final = Format(openmetrics=False, content_type="text/plain; version=0.0.4; charset=utf-8")
OPENMETRICS: Final = Format(openmetrics=True, content_type="application/openmetrics-text; version=1.0.0; charset=utf-8")

QUALITY: Final = re.compile(r"0(?:\.\d*)?|1(?:\.0*)?")
TEXT_NAMES: Final = ("text/plain", "text/*", "*/*")
"""What an Accept header may call Prometheus' text, from the word that counts most to the one that counts least."""
VERSIONS: Final = ("", "0.0.1", "1.0.0")
"""Of OpenMetrics, that ours does for."""


def format_for(accept: str) -> Format:
    """OpenMetrics where the Accept header names it and likes nothing of ours better, else the text, whatever is asked for."""
    openmetrics, texts = 0.0, dict[str, float]()
    for each in accept.lower().split(","):
        name, *parameters = (part.strip() for part in each.split(";"))
        said = dict(parameter.replace(" ", "").split("=", 1) for parameter in parameters if "=" in parameter)
        quality = said.get("q", "1")
        liked = float(quality) if QUALITY.fullmatch(quality) else 0.0
        if name == "application/openmetrics-text" and said.get("version", "").strip('"') in VERSIONS:
            openmetrics = max(openmetrics, liked)
        elif name in TEXT_NAMES:
            texts[name] = max(texts.get(name, 0.0), liked)
    text = next((texts[name] for name in TEXT_NAMES if name in texts), 0.0)
    return OPENMETRICS if openmetrics and openmetrics >= text else TEXT


def written(ours: Iterable[AnySeries], process: CollectorRegistry, form: Format) -> bytes:
    """Our metrics and then those of the process, in that format."""
    lines: list[str] = []
    for series in ours:
        series.write(lines, openmetrics=form.openmetrics)
    rest: bytes = generate_openmetrics(process) if form.openmetrics else generate_latest(process)  # type: ignore[no-untyped-call]
    return "".join(lines).encode() + rest
