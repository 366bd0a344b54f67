"""Writes deploy/metrics.md anew, and the scrapes that tests compare with: `make metrics`."""

from tests.telemetry.reference import REFERENCE, reference
from tests.telemetry.test_exposition import GOLDEN, OPENMETRICS_ASKED, ours, scripted


def renew() -> None:
    """All three are read in review: each change in them is one for those who scrape."""
    REFERENCE.write_text(reference(), encoding="utf-8")
    for file, accept in (("text.txt", ""), ("openmetrics.txt", OPENMETRICS_ASKED)):
        (GOLDEN / file).write_text(ours(scripted().render(accept)[0]), encoding="utf-8")


if __name__ == "__main__":
    renew()
