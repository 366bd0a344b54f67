"""[telemetry]: where traces go, and which share of them. A URL's login is refused: headers are for that, and are secret."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from watcher.core.headers import HOP_BY_HOP, NAME, sendable
from watcher.settings.credentials import by_lines
from watcher.settings.problems import refusal
from watcher.settings.section import OR_FILE, Section
from watcher.settings.values import Number, web_address


def _headers(value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    for name, text in value.items():
        if not NAME.fullmatch(name) or name.lower() in HOP_BY_HOP or name.lower().startswith("content-"):
            raise refusal("names a header that cannot be set", "take it out: give those that the collector asks for")
        if not sendable(text.get_secret_value()):
            raise refusal(f"has a value for {name} that cannot be sent", "use visible ASCII characters, on one line")
    return value


def _service(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise refusal("is empty or holds a character that nobody sees", "give a name as it is to be shown")
    return value


Share = Annotated[Number, Field(ge=0, le=1, allow_inf_nan=False)]


class Telemetry(Section):
    """[telemetry]: traces, for which the packages of `requirements-extras.txt` are needed."""

    traces_endpoint: Annotated[str, BeforeValidator(web_address)] | None = Field(
        default=None,
        description="OpenTelemetry collector that gets traces (OTLP over HTTP), as in http://127.0.0.1:4318; none: no traces",
    )
    traces_headers: Annotated[Mapping[str, SecretStr], BeforeValidator(by_lines), AfterValidator(_headers)] = Field(
        default_factory=dict,
        description="headers that the collector asks for, such as Authorization; in a file: one a line, Name: value",
        json_schema_extra=OR_FILE,
    )
    traces_ratio: Share = Field(
        default=1.0,
        description="share of events that are traced, each with the look that found it and all its attempts",
    )
    traces_look_ratio: Share = Field(
        default=1.0, description="share of the looks that found nothing, and of pages, that are traced too"
    )
    traces_service: Annotated[str, AfterValidator(_service)] | None = Field(
        default=None,
        description="service.name of the traces; none: OTEL_SERVICE_NAME, else callfire-batch-watcher",
    )

    @property
    def traced(self) -> float:
        """The share of events whose traces are kept: 0 where there is no collector."""
        return 0.0 if self.traces_endpoint is None else self.traces_ratio
