"""aioresponses as aiohttp 3.14 needs it: answers that no server gives, put in the place of a request."""

from collections.abc import Iterator
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
def odd_answer(url: str, **answer: Any) -> Iterator[None]:
    """While it lasts, a GET of the URL is answered so (`status`, `body`, `headers`, or an `exception`); nothing else is."""
    with aioresponses() as answers:
        answers.get(url, response_class=_Response, **answer)
        yield
