"""aioresponses as aiohttp 3.14 needs it: failures and answers that no server of a test's can give, in the place of a request."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

from aiohttp import ClientResponse
from aioresponses import aioresponses
from yarl import URL


class _Response(ClientResponse):
    """aioresponses 0.7.9 does not know the argument `stream_writer`, which aiohttp requires since 3.14."""

    def __init__(self, method: str, url: URL, **kwargs: Any) -> None:
        super().__init__(method, url, stream_writer=Mock(), **kwargs)


@contextmanager
def odd_answers(url: str, *answers: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """While it lasts, GETs of the URL by aiohttp's sessions are answered so, one after another (`status`, `payload`, `headers`,
    or an `exception`); nothing else is. How those that came were asked is in the list, at the end."""
    asked: list[dict[str, Any]] = []
    with aioresponses() as place:
        for answer in answers:
            place.get(url, response_class=_Response, **answer)
        yield asked
        asked.extend(call.kwargs for calls in place.requests.values() for call in calls)
