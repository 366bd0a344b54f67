"""changedetection.io with a datastore of its own: a watch for each batch, added by its API, and a notification by apprise."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from tests.bench.peers.having import environment
from tests.bench.peers.peer import HERE, LOGIN, Place, port, program, written
from tests.stack.processes import Program

REQUIREMENTS: Final = ("changedetection.io==0.60.10",)
WORKERS: Final = 10
ENVIRON: Final = {
    "LISTEN_HOST": "127.0.0.1",
    "ALLOW_IANA_RESTRICTED_ADDRESSES": "true",  # CallFire and the receiver are on loopback here
    "MINIMUM_SECONDS_RECHECK_TIME": "1",
    "FETCH_WORKERS": str(WORKERS),
    "DISABLE_VERSION_CHECK": "true",
    "LLM_FEATURES_DISABLED": "true",
    "LOGGER_LEVEL": "ERROR",
}
"""What its documentation offers for quick looks at addresses within one's own network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDetection:
    """`key` is what its API asks for."""

    process: Program
    place: Place
    key: str
    _watches: dict[int, str] = field(default_factory=dict)

    @property
    def programs(self) -> Sequence[Program]:
        return [self.process]

    def follow(self, number: int) -> None:
        self._watches[number] = self._ask("POST", "watch", watch(self.place, number))["uuid"]

    def drop(self, number: int) -> None:
        uuid = self._watches.get(number)
        if uuid is not None:
            try:
                self._ask("DELETE", f"watch/{uuid}")
            except HTTPError as refused:
                if refused.code != 404:  # it lost it when it was killed
                    raise
            del self._watches[number]

    def settled(self, body: Any) -> Sequence[int]:
        return [int(body["message"].rsplit("/", 1)[1])]

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": self.key, "Content-Type": "application/json"}
        asked = Request(f"{self.process.url}/api/v1/{path}", data=data, headers=headers, method=method)
        with urlopen(asked, timeout=20) as answer:
            return json.loads(answer.read() or b"null")


def watch(place: Place, number: int) -> Any:
    """What its API is given for a batch. What is due is found once a second, so that the interval is up to a second longer."""
    basic = b64encode(":".join(LOGIN).encode()).decode()
    return {
        "url": place.batch(number),
        "headers": {"Authorization": f"Basic {basic}"},
        "trigger_text": ["/ACTIVE|ERRORS|SOURCE_ERROR/"],
        "time_between_check": {"seconds": place.every},
        "time_between_check_use_default": False,
        "notification_urls": [f"json://{urlsplit(place.receiver).netloc}/"],
        "notification_title": "settled",
        "notification_body": "{{watch_url}}",
        "notification_format": "text",
    }


def changedetection(place: Place) -> ChangeDetection:
    """Not started yet. NotToBeHad."""
    folder = environment("changedetection", REQUIREMENTS)
    datastore = place.folder / "datastore"
    datastore.mkdir()
    config = json.loads((HERE / "changedetection.json").read_text(encoding="utf-8"))
    written(datastore / "changedetection.json", config)
    at = port()
    command = (folder / "changedetection.io", "-d", datastore, "-p", at)
    return ChangeDetection(
        process=program(place, "changedetection", command, port=at, up="/static/favicons/favicon.ico", environ=ENVIRON),
        place=place,
        key=config["settings"]["application"]["api_access_token"],
    )
