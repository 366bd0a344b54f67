"""Writes deploy/grafana/*.json anew, after a change of what is in this folder: `make dashboards`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.deploy.dashboards import accounts, delivery, overview, runtime
from tests.deploy.dashboards.shape import Json

FOLDER: Final = Path(__file__).resolve().parents[3] / "deploy" / "grafana"


def dashboards() -> Mapping[str, Json]:
    """Every dashboard by the name of its file."""
    built = {"overview": overview, "accounts": accounts, "delivery": delivery, "runtime": runtime}
    return {f"{name}.json": module.build() for name, module in built.items()}


def text_of(dashboard: Json) -> str:
    """What stands in the file."""
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, dashboard in dashboards().items():
        (FOLDER / name).write_text(text_of(dashboard), encoding="utf-8")
