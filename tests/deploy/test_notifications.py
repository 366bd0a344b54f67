"""What deploy/notifications.md says is so: its settings are taken, its text is what is sent, its numbers are the code's."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.fakes import NOON
from watcher.core.message import body_of
from watcher.core.notification import ACTED_ON, BODY, TITLE, notification_of
from watcher.core.outbox import DELAYS
from watcher.core.samples import sample
from watcher.settings.endpoints import NEEDED, OF_WEBHOOKS, Endpoint
from watcher.webhooks.apprising import known_as
from watcher.webhooks.people import HANGING, MOST

TEXT: Final = (Path(__file__).parents[2] / "deploy" / "notifications.md").read_text()
WORDS: Final = " ".join(TEXT.split())


def block(language: str) -> str:
    """The one block of that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_its_examples_are_settings_whose_urls_apprise_knows() -> None:
    kept = {name: Endpoint.model_validate(each) for name, each in tomllib.loads(block("toml"))["endpoints"].items()}
    urls = {name: each.apprise_url.get_secret_value() for name, each in kept.items() if each.apprise_url is not None}
    assert {name: known_as(url) for name, url in urls.items()} == {
        "oncall-mail": "E-Mail",
        "campaigns-slack": "Slack",
        "oncall-page": "Pager Duty",
    }


def test_its_text_is_what_is_sent() -> None:
    notification = notification_of(body_of(sample("batch.errors", NOON, endpoint_id="oncall")))
    assert block("text") == f"{notification.title}\n\n{notification.text}\n"
    assert f"A title under {TITLE + 1} characters and a text under {BODY + 1}" in WORDS


def test_its_default_types_are_those_of_the_code() -> None:
    assert ", ".join(f"`{each}`" for each in ACTED_ON) + "." in WORDS


def test_what_it_says_may_be_set_is_all_that_is_not_of_webhooks() -> None:
    (listed,) = re.findall(r"((?:`\w+`, )+`\w+` and `\w+`) are those of any endpoint", WORDS)
    of_people = [name for name in Endpoint.model_fields if name not in ("kind", *NEEDED["apprise"], *OF_WEBHOOKS)]
    assert re.findall(r"`(\w+)`", listed) == of_people


def test_its_numbers_are_those_of_the_code() -> None:
    assert DELAYS[:3] == (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5))
    assert "after 5 s, 30 s, 5 min and so on" in WORDS
    assert (MOST, HANGING) == (16, 4)
    assert "Attempts run in threads, 16 of an endpoint at once" in WORDS
    assert "where four of an endpoint hang so" in WORDS
