"""[endpoints.NAME] with kind = "apprise": what it takes, and what is refused beside it."""

import sys
from pathlib import Path

import pytest

from watcher.settings import BadSettings, Settings, load, shown

SECRET = "what-only-the-channel-must-know"
URL = f"slack://T1/B1/{SECRET}"
ACCOUNT = '[accounts.main]\nlogin = "anna"\npassword = "hunter2"\n'
WHSEC = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def told(folder: Path, text: str) -> Settings:
    """Settings with such an endpoint `oncall`."""
    file = folder / "w.toml"
    file.write_text(f"{ACCOUNT}[endpoints.oncall]\n{text}\n")
    file.chmod(0o600)
    return load(file, {})


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with it, without the file's name."""
    with pytest.raises(BadSettings) as caught:
        told(folder, text)
    assert SECRET not in str(caught.value)
    return [str(problem).replace(f"{folder}/w.toml:", "") for problem in caught.value.problems]


def test_it_takes_no_more_than_whom_to_tell(tmp_path: Path) -> None:
    settings = told(tmp_path, f'kind = "apprise"\napprise_url = "{URL}"')
    endpoint = settings.endpoints["oncall"]
    assert (endpoint.kind, endpoint.place, endpoint.keys) == ("apprise", "apprise:slack://…", ())
    assert settings.warnings == ()
    assert SECRET not in repr(settings) + str(list(shown(settings)))


def test_the_url_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(URL + "\n")
    (tmp_path / "url").chmod(0o600)
    endpoint = told(tmp_path, f'kind = "apprise"\napprise_url_file = "{tmp_path / "url"}"').endpoints["oncall"]
    assert endpoint.apprise_url is not None
    assert endpoint.apprise_url.get_secret_value() == URL


def test_what_would_not_act_is_refused_all_of_it_at_once(tmp_path: Path) -> None:
    text = f"""
        kind = "apprise"
        apprise_url = "{URL}"
        url = "https://example.org/"
        secret = "{WHSEC}"
        old_secrets = ["{WHSEC}"]
        form = "cloudevents"
        headers = {{ X-Team = "north" }}
        bearer = "token"
    """
    whys = ("url", "secret", "old_secrets", "form", "headers", "bearer")
    assert problems(tmp_path, text) == [
        f'endpoints.oncall.{key}: says nothing of kind = "apprise": take it out, or write the other kind'
        for key in whys
    ]


def test_a_webhook_has_nobody_to_tell(tmp_path: Path) -> None:
    assert problems(tmp_path, f'url = "https://example.org/"\nsecret = "{WHSEC}"\napprise_url = "{URL}"') == [
        'endpoints.oncall.apprise_url: says nothing of kind = "webhook": take it out, or write the other kind'
    ]


@pytest.mark.parametrize(("kind", "missing"), [("apprise", ["apprise_url"]), ("webhook", ["url", "secret"])])
def test_what_its_kind_needs_is_missed(tmp_path: Path, kind: str, missing: list[str]) -> None:
    said = problems(tmp_path, f'kind = "{kind}"')
    assert [problem.partition(": ")[0] for problem in said] == [f"endpoints.oncall.{key}" for key in missing]
    assert all("is missing" in problem for problem in said)


@pytest.mark.parametrize("url", [SECRET, f"slack://T1 {SECRET}", f"slack://T1/{SECRET}\u00e9", f"//{SECRET}"])
def test_what_is_no_url_is_refused_and_not_quoted(tmp_path: Path, url: str) -> None:
    assert problems(tmp_path, f'kind = "apprise"\napprise_url = "{url}"') == [
        "endpoints.oncall.apprise_url: is no Apprise URL: write SERVICE://…, one alone, in ASCII without spaces (%20)"
    ]


def test_without_the_library_it_is_refused_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)  # as Python has it for a module that is not there
    assert problems(tmp_path, f'kind = "apprise"\napprise_url = "{URL}"') == [
        "endpoints.oncall.kind: needs Apprise, which is not installed: install requirements-extras.txt (deploy/notifications.md)"
    ]
