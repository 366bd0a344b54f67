"""One frozen tree from file, environment and secret files; or every problem at once, each with its place and remedy."""

import base64
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.endpoint import SigningKey
from watcher.core.keys import parse_key
from watcher.settings import Address, BadSettings, Http, Problem, Settings, load, load_http, shown

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
KEY = base64.b64encode(b"k" * 32).decode()
LOGIN = {"CALLFIRE_LOGIN": "anna", "CALLFIRE_PASSWORD": "hunter2-hunter2"}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the project's own config/watcher.toml."""
    monkeypatch.chdir(tmp_path)


def toml(text: str, mode: int = 0o600) -> Path:
    """A settings file in the working directory."""
    file = Path("w.toml")
    file.write_text(text)
    file.chmod(mode)
    return file


def problems(config: Path | None, environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(BadSettings) as caught:
        load(config, environ)
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
    return [str(problem) for problem in caught.value.problems]


def origins(settings: Settings) -> dict[str, str]:
    return {line.key: line.origin for line in shown(settings) if line.origin != "default"}


ACCOUNT = '[accounts.main]\nlogin = "anna"\npassword = "hunter2"\n'


# Where values come from


def test_the_environment_alone_is_enough() -> None:
    settings = load(None, LOGIN)
    account = settings.accounts["default"]
    assert (account.login, account.password.get_secret_value()) == ("anna", "hunter2-hunter2")
    assert (account.base_url, account.rate, account.concurrency) == ("https://api.callfire.com/v2", 5.0, 64)
    assert settings.http.listen == Address(host="127.0.0.1", port=8080)
    assert settings.database.path == Path("var/watcher.db")
    assert settings.endpoints == {}
    assert settings.warnings == ()


def test_every_short_variable_stands_for_its_key() -> None:
    settings = load(
        None,
        {
            **LOGIN,
            "CALLFIRE_BASE_URL": "http://127.0.0.1:9/v2/",
            "CALLFIRE_RATE": "0.5",
            "WATCHER_DATABASE_URL": "sqlite:////data/w.db",
            "WATCHER_LISTEN": "[::1]:0",
            "WATCHER_API_TOKEN": "a-token-that-is-long-enough",
            "WATCHER_WEBHOOK_URL": "https://example.org/hook?to=me",
            "WATCHER_WEBHOOK_SECRET": SECRET,
            "WATCHER_LOG": "json",
        },
    )
    assert origins(settings) == {
        "accounts.default.login": "environment variable CALLFIRE_LOGIN",
        "accounts.default.password": "environment variable CALLFIRE_PASSWORD",
        "accounts.default.base_url": "environment variable CALLFIRE_BASE_URL",
        "accounts.default.rate": "environment variable CALLFIRE_RATE",
        "database.url": "environment variable WATCHER_DATABASE_URL",
        "http.listen": "environment variable WATCHER_LISTEN",
        "http.token": "environment variable WATCHER_API_TOKEN",
        "endpoints.default.url": "environment variable WATCHER_WEBHOOK_URL",
        "endpoints.default.secret": "environment variable WATCHER_WEBHOOK_SECRET",
        "log.format": "environment variable WATCHER_LOG",
    }
    assert settings.accounts["default"].base_url == "http://127.0.0.1:9/v2"
    assert settings.accounts["default"].rate == 0.5
    assert settings.database.path == Path("/data/w.db")
    assert settings.http.listen == Address(host="::1", port=0)
    key = bytes.fromhex("0b6155b0140886bb1c0a195020c57e6f9b1262ca686fba03")
    assert settings.endpoints["default"].keys == (SigningKey(scheme="v1", key=key),)
    assert settings.log.format == "json"
    assert settings.warnings == ()


def test_the_environment_wins_over_the_file() -> None:
    file = toml(ACCOUNT + "rate = 2\npartial = false\n[polling]\nworth = 1\nmax_interval = '10m'\n")
    settings = load(file, {"WATCHER_ACCOUNTS__MAIN__RATE": "3", "WATCHER_POLLING__WORTH": "250ms"})
    assert settings.accounts["main"].rate == 3
    assert settings.accounts["main"].partial is False
    assert settings.polling.worth == timedelta(milliseconds=250)
    assert settings.polling.max_interval == timedelta(minutes=10)
    assert origins(settings) == {
        "accounts.main.login": "w.toml:accounts.main.login",
        "accounts.main.password": "w.toml:accounts.main.password",
        "accounts.main.rate": "environment variable WATCHER_ACCOUNTS__MAIN__RATE",
        "accounts.main.partial": "w.toml:accounts.main.partial",
        "polling.worth": "environment variable WATCHER_POLLING__WORTH",
        "polling.max_interval": "w.toml:polling.max_interval",
    }


def test_a_variable_means_the_name_that_the_file_has() -> None:
    file = toml('[accounts.Big-Account]\nlogin = "a"\n')
    settings = load(
        file,
        {
            "WATCHER_ACCOUNTS__BIG_ACCOUNT__PASSWORD": "b",
            "WATCHER_ACCOUNTS__OTHER__ONE__LOGIN": "c",
            "WATCHER_ACCOUNTS__OTHER__ONE__PASSWORD": "d",
        },
    )
    assert {name: account.login for name, account in settings.accounts.items()} == {
        "Big-Account": "a",
        "other__one": "c",
    }


@pytest.mark.parametrize("environ", [{}, {"WATCHER_CONFIG": "w.toml"}])
def test_the_file_is_the_one_named_or_the_default(environ: dict[str, str]) -> None:
    toml(ACCOUNT)
    Path("config").mkdir()
    Path("config/watcher.toml").write_text(ACCOUNT.replace("main", "usual"))
    assert list(load(None, environ).accounts) == (["main"] if environ else ["usual"])
    assert list(load(Path("w.toml"), {"WATCHER_CONFIG": "nowhere.toml"}).accounts) == ["main"]


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load(None, {**LOGIN, "CALLFIRE_RATE": "", "WATCHER_CONFIG": "", "WATCHER_API_TOKEN": ""}).http.token is None


def test_what_kubernetes_and_the_commands_put_into_the_environment_is_no_problem() -> None:
    load(
        None,
        {
            **LOGIN,
            "WATCHER_URL": "http://127.0.0.1:8080",
            "WATCHER_DEBUG": "1",
            "WATCHER_SERVICE_HOST": "10.0.0.1",
            "WATCHER_SERVICE_PORT": "80",
            "WATCHER_SERVICE_PORT_HTTP": "80",
            "WATCHER_PORT": "tcp://10.0.0.1:80",
            "WATCHER_PORT_80_TCP_ADDR": "10.0.0.1",
        },
    )


def test_lists_are_separated_by_commas_in_the_environment() -> None:
    environ = {**LOGIN, "WATCHER_WEBHOOK_URL": "https://example.org", "WATCHER_WEBHOOK_SECRET": SECRET}
    settings = load(None, {**environ, "WATCHER_ENDPOINTS__DEFAULT__TYPES": "batch.*, watch.expired"})
    assert settings.endpoints["default"].types == ("batch.*", "watch.expired")


# Secrets in files


def test_a_secret_can_stand_in_a_file() -> None:
    Path("secret").write_text("hunter2\n")
    Path("secret").chmod(0o400)
    settings = load(None, {"CALLFIRE_LOGIN": "anna", "CALLFIRE_PASSWORD_FILE": "secret"})
    assert settings.accounts["default"].password.get_secret_value() == "hunter2"
    assert origins(settings)["accounts.default.password"] == "environment variable CALLFIRE_PASSWORD_FILE (secret)"
    assert settings.warnings == ()
    in_file = load(toml('[accounts.default]\nlogin = "anna"\npassword_file = "secret"\n', mode=0o644), {})
    assert in_file.accounts == settings.accounts
    assert origins(in_file)["accounts.default.password"] == "w.toml:accounts.default.password_file (secret)"
    assert in_file.warnings == ()


def test_a_value_in_the_environment_wins_over_a_secret_file_in_the_file() -> None:
    file = toml('[accounts.default]\nlogin = "anna"\npassword_file = "nowhere"\n')
    assert load(file, {"CALLFIRE_PASSWORD": "b"}).accounts["default"].password.get_secret_value() == "b"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_file_that_others_can_use_is_a_warning(mode: int) -> None:
    Path("secret").write_text("hunter2")
    Path("secret").chmod(mode)
    settings = load(None, {"CALLFIRE_LOGIN": "anna", "CALLFIRE_PASSWORD_FILE": "secret"})
    assert settings.warnings == (
        (
            "environment variable CALLFIRE_PASSWORD_FILE: secret can be used by others on this machine "
            f"(mode 0{mode:o}): chmod 600 secret"
        ),
    )


def test_a_settings_file_with_a_secret_that_others_can_read_is_a_warning() -> None:
    settings = load(toml(ACCOUNT, mode=0o644), {})
    assert settings.warnings == (
        "w.toml:accounts.main.password: w.toml can be used by others on this machine (mode 0644): chmod 600 w.toml",
    )


def test_a_secret_file_that_cannot_be_used_is_a_problem() -> None:
    Path("empty").write_text("\n")
    Path("long").write_text("x" * 70_000)
    Path("binary").write_bytes(b"\xff\xfe")
    Path("folder").mkdir()

    def refused(path: str) -> list[str]:
        return problems(None, {"CALLFIRE_LOGIN": "anna", "CALLFIRE_PASSWORD_FILE": path})

    place = "environment variable CALLFIRE_PASSWORD_FILE: "
    missing = place + "names a file that does not exist: give the path of a file that holds the secret"
    assert refused("no/where") == [missing]
    assert refused("empty/secret") == [missing]
    assert refused("empty") == [place + "empty is empty: put the secret into it"]
    assert refused("long") == [place + "long is too long: put the secret into it"]
    assert refused("binary") == [place + "names a file that is no text: put the secret into it, as one line of text"]
    assert refused("folder") == [
        place + "names a file that cannot be read (Is a directory): let the daemon's user read it"
    ]
    assert refused("x" * 5000)[0].startswith(place + "names a file that cannot be read (File name too long)")


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_may_never_end_is_refused_and_not_waited_for(kind: str) -> None:
    Path("device").symlink_to("/dev/zero")
    os.mkfifo("pipe")
    lasting = "name a file: it is read again whenever the settings are"
    assert problems(None, {"CALLFIRE_LOGIN": "anna", "CALLFIRE_PASSWORD_FILE": kind}) == [
        f"environment variable CALLFIRE_PASSWORD_FILE: names a pipe or a device: {lasting}"
    ]
    assert problems(Path(kind), {}) == [f"{kind}: the settings file (--config) is a pipe or a device: {lasting}"]


def test_a_password_in_place_of_its_path_is_not_quoted() -> None:
    said = problems(toml('[accounts.a]\nlogin = "b"\npassword_file = "hunter2/x"\n[http]\ntoken_file = 5\n'), {})
    assert "hunter2" not in str(said)
    assert said[1] == "w.toml:http.token_file: is not a path: write the path of the file in quotes"


# Problems


def test_all_problems_are_told_at_once() -> None:
    file = toml(
        '[acounts.x]\na = 1\n[accounts.main]\nlogin = "a:b"\npasword = "hunter2"\nrate = true\n[http]\nlisten = "0.0.0.0:80"\n'
        "[polling]\nmin_interval = 600\nworth = -1\n[log]\nlevel = 'loud'\n[webhooks]\ntimeout = 60\nper_endpoint = 1.5\n"
    )
    assert problems(
        file,
        {
            "CALLFIRE_RATE": "fast",
            "WATCHER_LISTN": "x",
            "WATCHER_QQQQ": "x",
            "WATCHER_HTPT__LISTEN": "x",
            "WATCHER_QQ__WW": "x",
            "WATCHER_ACCOUNTS__RATE": "5",
            "WATCHER_HTTP__LISTN": "x",
            "WATCHER_ACCOUNTS__MAIN__PARTIAL": "maybe",
        },
    ) == [
        "environment variable WATCHER_ACCOUNTS__RATE: is not known: did you mean WATCHER_ACCOUNTS__NAME__RATE?",
        "environment variable WATCHER_LISTN: is not known: did you mean WATCHER_LISTEN?",
        "environment variable WATCHER_QQQQ: is not known: unset it",
        "w.toml:accounts.main.login: holds a colon, which HTTP Basic authentication cannot send: give the login alone",
        (
            "accounts.main.password: is missing (w.toml:accounts.main.login asks for it): "
            "set WATCHER_ACCOUNTS__MAIN__PASSWORD (or WATCHER_ACCOUNTS__MAIN__PASSWORD_FILE), "
            "or password in [accounts.main] of the settings file"
        ),
        "w.toml:accounts.main.rate: must be a number: write one without quotes",
        (
            "environment variable WATCHER_ACCOUNTS__MAIN__PARTIAL: must be true or false, not 'maybe': "
            "for example WATCHER_ACCOUNTS__MAIN__PARTIAL=true"
        ),
        "w.toml:accounts.main.pasword: is not known: did you mean accounts.main.password?",
        (
            "accounts.default.login: is missing (environment variable CALLFIRE_RATE asks for it): "
            "set CALLFIRE_LOGIN (or CALLFIRE_LOGIN_FILE), or login in [accounts.default] of the settings file"
        ),
        (
            "accounts.default.password: is missing (environment variable CALLFIRE_RATE asks for it): "
            "set CALLFIRE_PASSWORD (or CALLFIRE_PASSWORD_FILE), or password in [accounts.default] of the settings file"
        ),
        "environment variable CALLFIRE_RATE: must be a valid number, not 'fast': for example CALLFIRE_RATE=5",
        'w.toml:polling.worth: must be a duration: write seconds as a number, or "500ms", "15s", "5m", "1h30m", "7d"',
        (
            "w.toml:webhooks.per_endpoint: must be a valid integer, got a number with a fractional part, not 1.5: "
            "for example per_endpoint = 4"
        ),
        'w.toml:webhooks.timeout: is not between 1 and 30 s: write seconds as a number, or "15s"',
        "environment variable WATCHER_HTTP__LISTN: is not known: did you mean WATCHER_HTTP__LISTEN?",
        "w.toml:log.level: must be 'debug', 'info', 'warning' or 'error', not 'loud': for example level = \"info\"",
        "w.toml:acounts: is not known: did you mean accounts?",
        "environment variable WATCHER_HTPT__LISTEN: is not known: did you mean WATCHER_HTTP__LISTEN?",
        "environment variable WATCHER_QQ__WW: is not known: unset it",
    ]


def test_without_an_account_it_is_said_how_to_give_one() -> None:
    said = "settings: there is no account: set CALLFIRE_LOGIN and CALLFIRE_PASSWORD, or add [accounts.NAME] to the file"
    assert problems(None, {}) == [said]
    assert problems(toml("[accounts]\n"), {}) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[accounts.main]\n", "accounts.main.login: is missing (w.toml:accounts.main asks for it): "),
        ("accounts = 5\n", "w.toml:accounts: is a value, and should be a table: write [accounts] on a line"),
        (
            "[accounts]\nmain = 5\n",
            "w.toml:accounts.main: is a value, and should be a table: write [accounts.main] on a line",
        ),
        (ACCOUNT + "http = 5\n", "w.toml:accounts.main.http: is not known: take it out (known here: login, password, "),
        ("http = 5\n" + ACCOUNT, "w.toml:http: is a value, and should be a table: write [http] on a line"),
        (ACCOUNT.replace("main", '"a b"'), "w.toml:accounts.a b: is not a name: use 1 to 64 letters, digits, - and _"),
        (
            ACCOUNT + "login_file = 'x'\n",
            "w.toml:accounts.main.login_file: is given twice, also by w.toml:accounts.main.login",
        ),
        (
            ACCOUNT + "rate = 0\n",
            "w.toml:accounts.main.rate: must be at least 0.0001, not 0: for example rate = 5",
        ),
        (ACCOUNT + "rate = inf\n", "w.toml:accounts.main.rate: must be a finite number, not inf: for example rate = 5"),
        (
            ACCOUNT + "partial = 'x'\n",
            "w.toml:accounts.main.partial: must be true or false, not 'x': for example partial = true",
        ),
        (
            ACCOUNT + f"base_url = '{'x' * 50}'\n",
            "w.toml:accounts.main.base_url: is not a URL that starts with https:// or ",
        ),
        (
            ACCOUNT + "[log\n",
            "w.toml: is not TOML (Expected ']' at the end of a table declaration (at line 4, column 5)): repair that line",
        ),
        (
            ACCOUNT + f"[log]\nlevel = '{'x' * 50}'",
            f"w.toml:log.level: must be 'debug', 'info', 'warning' or 'error', not '{'x' * 40}…'",
        ),
        (
            ACCOUNT + "[polling]\nmin_interval = '6m'\n",
            "w.toml:polling.min_interval: is longer than max_interval: make it shorter, ",
        ),
        (
            ACCOUNT + "parts = 5\nconcurrency = 4\n",
            "w.toml:accounts.main.parts: is more than concurrency: make it less, or concurrency more: each part needs one",
        ),
        (
            ACCOUNT + "[polling]\nlook_timeout = 4\n",
            "polling.connect_timeout: is longer than look_timeout: make it shorter, or ",
        ),
        (
            ACCOUNT + "[a.b]\nc = 1\n",
            "w.toml:a: is not known: take it out (known here: accounts, polling, submit, webhooks, ",
        ),
        (
            ACCOUNT + "[endpoints.x]\nurl = 'https://a'\n",
            "endpoints.x.secret: is missing (w.toml:endpoints.x.url asks for it): set ",
        ),
        (
            ACCOUNT + "[http.listen]\na = 1",
            "w.toml:http.listen: is not HOST:PORT: write 127.0.0.1:8080, [::1]:8080, or ",
        ),
    ],
)
def test_each_problem_names_its_place_and_remedy(text: str, said: str) -> None:
    assert problems(toml(text), {})[0].startswith(said)


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        (
            "types = ['batch.actve']",
            "types: names the event type batch.actve, which is not known: did you mean batch.active?",
        ),
        ("types = ['qq']", "types: names the event type qq, which is not known: take some of *, batch.new, "),
        ("types = [5]", "types: must be a valid string, not 5: `watcher check --reference` tells what goes there"),
        ("accounts = ['mian']", "accounts: names the account mian, which is not in the settings: did you mean main?"),
        (
            "accounts = ['qq']",
            "accounts: names the account qq, which is not in the settings: add [accounts.qq], or take it out",
        ),
        ("timeout = 0.9", "timeout: is not between 1 and 30 s: write seconds as a number, or"),
        ("timeout = 31", "timeout: is not between 1 and 30 s: write seconds as a number, or"),
        ("url = 'https://example.org:25/'", "url: uses port 25: webhooks go to port 80, 443, or one from 1024"),
        ("url = 'https://example.org/#x'", "url: has a fragment (#…), which is never sent: take it out"),
        ("url = 5", "url: must be a URL: write one in quotes, https://…"),
        (
            "secret = 'hunter2'",
            "secret: does not start with whsec_ or whsk_: make one with `watcher endpoints secret`",
        ),
        ("secret = 'whsec_…'", "secret: is not base64 after its prefix: make one with `watcher endpoints secret`"),
        ("secret = 'whsec_aHVudGVyMg=='", "secret: has 7 bytes behind its prefix, not 24 to 64: make one with "),
        ("secret = 5", "secret: must be a valid string: `watcher check --reference` tells what goes there"),
        ("private_key = 'hunter2'", "private_key: does not start with whsk_: make a pair with `watcher endpoints sec"),
        ("private_key = 'whsk_AAAA'", "private_key: has 3 bytes behind its prefix, not 64: make a pair with "),
        ("old_secrets = ['hunter2']", "old_secrets: does not start with whsec_ or whsk_: give those that were in fo"),
        (f"old_secrets = {[SECRET] * 6}", "old_secrets: has more than 5 of one kind: take the oldest out"),
        ("old_secrets = 5", "old_secrets: must be a valid tuple: "),
        ("broadcasts = [0]", "broadcasts: must be at least 1, not 0: "),
        ("broadcasts = ['x']", "broadcasts: must be a valid integer, not 'x': "),
        ("labels = 'campaign'", "labels: has a label without a value: write NAME=VALUE, and commas between them"),
        ("labels = {a = 5}", "labels: must be a valid string, not 5: "),
        ("labels = 5", "labels: is a value, and should be a table: write [endpoints.x.labels] on a line"),
        ("concurrency = 0", "concurrency: must be at least 1, not 0: "),
        ("concurrency = 1001", "concurrency: must be at most 1000, not 1001: "),
        ("rate = 0", "rate: must be at least 0.001, not 0: "),
        ("rate = 0.0009", "rate: must be at least 0.001, not 0.0009: "),
        ("rate = 100001", "rate: must be at most 100000, not 100001: "),
        ("ordering = 'strict'", "ordering: must be 'none' or 'batch', not 'strict': for example ordering = \"none\""),
        ("form = 'xml'", "form: must be 'plain', 'cloudevents' or 'cloudevents-binary', not 'xml': for example form"),
        ("headers = {Host = 'a'}", "headers: names Host, which belongs to the connection and not to the webhook: take"),
        ("headers = {'hunter 2' = 'a'}", "headers: names one that is not the name of a header: use up to 128 letters"),
        ("headers = {A = 'a', a = 'b'}", "headers: has a header twice: keep one of them"),
        ('headers = """A: b\na: c"""', "headers: has a header twice: keep one of them"),
        ("headers = 'hunter2'", "headers: has a line without a colon: write one header a line, as in Name: value"),
        ("headers = {A = 5}", "headers: must be a valid string: "),
        ("bearer = 'a b'", "bearer: cannot be sent in a header: give the receiver's token alone, without spaces"),
        ("username = 'a:b'", "username: holds a colon, which HTTP Basic authentication cannot send: give the login al"),
        ("username = 'a'", "username: has no password beside it: give both, or neither"),
        ("password = 'a'", "password: has no username beside it: give both, or neither"),
    ],
)
def test_an_endpoint_that_could_not_work_is_refused(endpoint: str, said: str) -> None:
    lines = {"url": "url = 'https://example.org'", "secret": f"secret = '{SECRET}'"} | {
        endpoint.split(maxsplit=1)[0]: endpoint
    }
    file = toml(ACCOUNT + "[endpoints.x]\n" + "\n".join(lines.values()))
    (problem,) = problems(file, {})
    assert problem.startswith(f"w.toml:endpoints.x.{said}")


PAIR = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "concurrency = 2\nordering = 'batch'",
            'concurrency: is more than 1, and ordering = "batch" sends one after another: take it out, or write',
        ),
        (
            "bearer = 'a'\nusername = 'b'",
            "bearer: stands beside username or password: only one can be sent: take one out",
        ),
        (
            "bearer = 'a'\npassword = 'b'",
            "bearer: stands beside username or password: only one can be sent: take one out",
        ),
    ],
)
def test_what_cannot_be_together_in_an_endpoint_is_refused(lines: str, said: str) -> None:
    (problem,) = problems(
        toml(f"{ACCOUNT}[endpoints.x]\nurl = 'https://a.example'\nsecret = '{SECRET}'\n{lines}\n"), {}
    )
    assert problem.startswith(f"w.toml:endpoints.x.{said}")


def test_a_private_key_beside_another_is_refused() -> None:
    (problem,) = problems(
        toml(f"{ACCOUNT}[endpoints.x]\nurl = 'https://a.example'\nsecret = '{PAIR}'\nprivate_key = '{PAIR}'\n"), {}
    )
    assert problem == (
        "w.toml:endpoints.x.private_key: stands beside a secret that is a private key, too: take one out"
    )


def test_an_endpoint_has_all_its_keys_the_present_ones_first() -> None:
    Path("old").write_text(f"{SECRET}\n{PAIR}\n")
    Path("old").chmod(0o600)
    newest = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    settings = load(
        None,
        {
            **LOGIN,
            "WATCHER_WEBHOOK_URL": "https://example.org",
            "WATCHER_WEBHOOK_SECRET": newest,
            "WATCHER_ENDPOINTS__DEFAULT__PRIVATE_KEY": PAIR,
            "WATCHER_ENDPOINTS__DEFAULT__OLD_SECRETS_FILE": "old",
        },
    )
    assert settings.endpoints["default"].keys == tuple(map(parse_key, (newest, PAIR, SECRET, PAIR)))


def test_tables_of_an_endpoint_can_stand_in_the_file_in_the_environment_and_in_a_file() -> None:
    file = toml(
        ACCOUNT
        + f"[endpoints.x]\nurl = 'https://a.example'\nsecret = '{SECRET}'\n"
        + "[endpoints.x.labels]\ncampaign = 'autumn'\n'a file_file' = 'b'\n[endpoints.x.headers]\nX-Key = 'hunter2'\n"
    )
    from_file = load(file, {}).endpoints["x"]
    assert from_file.labels == {"campaign": "autumn", "a file_file": "b"}
    assert {name: value.get_secret_value() for name, value in from_file.headers.items()} == {"X-Key": "hunter2"}
    Path("headers").write_text("X-Key: hunter3\r\n\nX-Other: a: b\n")
    Path("headers").chmod(0o600)
    settings = load(
        file,
        {
            "WATCHER_ENDPOINTS__X__LABELS": "campaign = spring, team=",
            "WATCHER_ENDPOINTS__X__HEADERS_FILE": "headers",
            "WATCHER_ENDPOINTS__X__BROADCASTS": "9, 14",
        },
    )
    assert settings.endpoints["x"].labels == {"campaign": "spring", "team": ""}
    assert settings.endpoints["x"].broadcasts == (9, 14)
    headers = {name: value.get_secret_value() for name, value in settings.endpoints["x"].headers.items()}
    assert headers == {"X-Key": "hunter3", "X-Other": "a: b"}
    values = {line.key: line.value for line in shown(settings)}
    assert (values["endpoints.x.labels"], values["endpoints.x.headers"]) == ("campaign=spring,team=", "********")
    assert values["endpoints.x.broadcasts"] == "9,14"
    assert values["endpoints.x.old_secrets"] == ""


def test_a_settings_file_whose_headers_others_can_read_is_a_warning() -> None:
    file = toml(
        "[accounts.a]\nlogin = 'a'\n[endpoints.x]\nurl = 'https://a.example'\nheaders = {X-Key = 'hunter2'}\n",
        mode=0o644,
    )
    settings = load(file, {"WATCHER_ACCOUNTS__A__PASSWORD": "b", "WATCHER_ENDPOINTS__X__SECRET": SECRET})
    assert settings.warnings == (
        "w.toml:endpoints.x.headers: w.toml can be used by others on this machine (mode 0644): chmod 600 w.toml",
    )


# Where endpoints may be


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "10.1.2.3", "169.254.169.254"])
def test_an_endpoint_that_is_not_public_is_refused_unless_its_network_is_allowed(host: str) -> None:
    environ = {**LOGIN, "WATCHER_WEBHOOK_URL": f"http://{host}:9000/", "WATCHER_WEBHOOK_SECRET": SECRET}
    (problem,) = problems(None, environ)
    assert problem.startswith("environment variable WATCHER_WEBHOOK_URL: leads to ")
    assert problem.endswith(": name its network in webhooks.allow_networks if it is meant")
    allowed = {"WATCHER_WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8,::1/128,10.0.0.0/8,169.254.169.254"}
    assert load(None, {**environ, **allowed}).endpoints["default"].url == f"http://{host}:9000/"


def test_networks_that_are_wrong_are_the_only_problem_of_endpoints_in_them() -> None:
    environ = {**LOGIN, "WATCHER_WEBHOOK_URL": "http://127.0.0.1:9000/", "WATCHER_WEBHOOK_SECRET": SECRET}
    assert problems(None, {**environ, "WATCHER_WEBHOOKS__ALLOW_NETWORKS": "127.0.0.1/8"}) == [
        (
            "environment variable WATCHER_WEBHOOKS__ALLOW_NETWORKS: has 127.0.0.1/8, an address within a network: "
            "write 127.0.0.0/8"
        )
    ]
    file = toml(ACCOUNT + "[webhooks]\nallow_networks = ['loopback']\n")
    said = 'w.toml:webhooks.allow_networks: is not a list of networks: write ["10.0.0.0/8", "::1/128"]'
    assert problems(file, {}) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[webhooks]\nproxy = 'https://a'\n",
            "webhooks.proxy: is an https:// proxy, which is not supported: write http",
        ),
        ("[webhooks]\nproxy = 'http://a/b'\n", "webhooks.proxy: has a path or a query: write http://HOST:PORT alone"),
        (
            "[webhooks]\nproxy = 'http://a:hunter2@b'\n",
            "webhooks.proxy: holds a login in the URL: take out what stands",
        ),
        ("[webhooks]\nca_file = 5\n", "webhooks.ca_file: is not a path: write the path of the file in quotes"),
        (
            "[webhooks]\nca_file = 'nowhere'\n",
            "webhooks.ca_file: names a file that cannot be read (No such file or directory): give the path of one",
        ),
        (
            "[webhooks]\nca_file = 'w.toml'\n",
            "webhooks.ca_file: names a file without certificates: give one in PEM form, with BEGIN CERTIFICATE",
        ),
        (
            "[webhooks]\nconnect_timeout = 31\n",
            "webhooks.connect_timeout: must be at most 30 seconds: for example connect_timeout =",
        ),
        (
            "[database]\nencryption_key = 'hunter2'\n",
            "database.encryption_key: is not base64: make one with `watcher db ",
        ),
        (
            "[database]\nencryption_key = 'AAAA'\n",
            "database.encryption_key: has 3 bytes, not 32: make one with `watcher",
        ),
        (
            f"[database]\nold_encryption_keys = ['{KEY}']\n",
            "database.old_encryption_keys: there are old keys, and none to encrypt with: set encryption_key too",
        ),
        ("[retention]\nevents = 1\n", 'retention.events: must be at least 1 hour: for example events = "30d"'),
        (
            "[retention]\nevents = '1d'\n",
            "retention.deliveries: is longer than events: make it shorter, or events longer",
        ),
    ],
)
def test_what_holds_for_all_endpoints_is_refused_where_it_could_not_work(text: str, said: str) -> None:
    (problem,) = problems(toml(ACCOUNT + text), {})
    assert problem.removeprefix("w.toml:").startswith(said)
    assert "hunter2" not in problem


def test_the_database_has_its_keys_the_newest_first() -> None:
    Path("old").write_text(f"{KEY}\n")
    Path("old").chmod(0o600)
    newest = base64.b64encode(bytes(range(32))).decode()
    settings = load(
        None,
        {
            **LOGIN,
            "WATCHER_DATABASE__ENCRYPTION_KEY": newest,
            "WATCHER_DATABASE__OLD_ENCRYPTION_KEYS_FILE": "old",
        },
    )
    assert settings.database.keys == (bytes(range(32)), base64.b64decode(KEY))
    assert load(None, LOGIN).database.keys == ()
    assert newest not in f"{settings!r}{list(shown(settings))}"


def test_one_key_given_by_two_variables_is_refused() -> None:
    said = problems(None, {**LOGIN, "CALLFIRE_PASSWORD_FILE": "x", "WATCHER_ACCOUNTS__DEFAULT__LOGIN": "bob"})
    assert said == [
        (
            "environment variable CALLFIRE_PASSWORD_FILE: is given twice, also by environment variable CALLFIRE_PASSWORD: "
            "keep one of them"
        ),
        (
            "environment variable WATCHER_ACCOUNTS__DEFAULT__LOGIN: is given twice, also by environment variable CALLFIRE_LOGIN: "
            "keep one of them"
        ),
    ]


def test_a_settings_file_that_cannot_be_read_is_a_problem_and_what_it_may_hold_is_none() -> None:
    Path("latin").write_bytes(b"# \xe4\n")
    with pytest.raises(BadSettings, match="is not UTF-8"):
        load_http(Path("latin"), {"WATCHER_LISTEN": "0.0.0.0:80"})
    assert problems(Path("no.toml"), {}) == [
        "no.toml: the settings file (--config) cannot be read (No such file or directory): name a file that exists"
    ]
    assert problems(None, {"WATCHER_CONFIG": "/"}) == [
        "/: the settings file (environment variable WATCHER_CONFIG) cannot be read (Is a directory): see to its permissions"
    ]
    assert problems(Path("latin"), {}) == ["latin: is not UTF-8: save it as UTF-8 text"]
    assert problems(
        Path("latin"), {"CALLFIRE_PASSWORD": "hunter2", "WATCHER_LISTEN": "0.0.0.0:80", "WATCHER_QQQQ": "x"}
    ) == [
        "latin: is not UTF-8: save it as UTF-8 text",
        "environment variable WATCHER_QQQQ: is not known: unset it",
    ]


def test_a_default_settings_file_that_cannot_be_reached_is_a_problem_without_a_traceback() -> None:
    Path("config").symlink_to("x" * 300)  # fails like a folder that may not be entered, for root too
    assert problems(None, LOGIN) == [
        "config/watcher.toml: the settings file cannot be read (File name too long): see to its permissions"
    ]


def test_where_nobody_made_a_default_settings_file_there_is_none() -> None:
    Path("config").touch()
    assert load(None, LOGIN).accounts["default"].login == "anna"


def test_a_variable_that_looks_like_one_of_ours_is_a_warning() -> None:
    settings = load(None, {**LOGIN, "CALLFIRE_RATES": "1", "CALLFIRE_HOME_TOWN_OF_OTHERS": "x"})
    assert settings.warnings == ("environment variable CALLFIRE_RATES: is not known: did you mean CALLFIRE_RATE?",)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (
            {"CALLFIRE_BASE_URL": "http://www.callfire.com/v2"},
            "environment variable CALLFIRE_BASE_URL: login and password go over the network in the clear: use https://",
        ),
        (
            {"WATCHER_WEBHOOK_URL": "http://example.org/hook", "WATCHER_WEBHOOK_SECRET": SECRET},
            "environment variable WATCHER_WEBHOOK_URL: webhooks go over the network in the clear: use https://",
        ),
        (
            {"WATCHER_API_TOKEN": "short"},
            "environment variable WATCHER_API_TOKEN: is shorter than 16 characters: make one with `watcher token random`",
        ),
    ],
)
def test_what_works_but_is_risky_is_a_warning(environ: dict[str, str], said: str) -> None:
    assert load(None, {**LOGIN, **environ}).warnings == (said,)


# What may never happen


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALLFIRE_BASE_URL", "https://anna:hunter2@example.org"),
        ("CALLFIRE_BASE_URL", "hunter2"),
        ("CALLFIRE_PASSWORD", "hunter2\n"),
        ("CALLFIRE_LOGIN", "anna:hunter2"),
        ("CALLFIRE_PASSWORD_FILE", "hunter2"),
        ("WATCHER_API_TOKEN", "hunter2 ü"),
        ("WATCHER_WEBHOOK_SECRET", "hunter2"),
        ("WATCHER_WEBHOOK_URL", "http://[hunter2"),
        ("WATCHER_WEBHOOK_URL", "https://anna:hunter2@example.org"),
        ("WATCHER_ENDPOINTS__DEFAULT__PRIVATE_KEY", "hunter2"),
        ("WATCHER_ENDPOINTS__DEFAULT__OLD_SECRETS", "hunter2"),
        ("WATCHER_ENDPOINTS__DEFAULT__HEADERS", "Host: hunter2"),
        ("WATCHER_ENDPOINTS__DEFAULT__HEADERS", "Bearer hunter2: x"),
        ("WATCHER_ENDPOINTS__DEFAULT__BEARER", "hunter2 hunter2"),
        ("WATCHER_ENDPOINTS__DEFAULT__PASSWORD", "hunter2\n"),
        ("WATCHER_DATABASE__ENCRYPTION_KEY", "hunter2"),
        ("WATCHER_DATABASE__OLD_ENCRYPTION_KEYS", "hunter2"),
        ("WATCHER_WEBHOOKS__PROXY", "http://anna:hunter2@proxy"),
        ("WATCHER_DATABASE_URL", "postgresql://anna:hunter2@db"),
        ("WATCHER_DATABASE_URL", "postgresql://anna:hunter2@[db/watcher"),
        ("WATCHER_DATABASE_URL", "postgresql://anna@db/watcher?password=hunter2"),
        ("WATCHER_DATABASE_URL", "postgres://anna:hunter2@db/watcher"),
        ("WATCHER_DATABASE_URL", "mysql://anna:hunter2@db/watcher"),
        ("WATCHER_HTTP__TOKN", "hunter2"),
    ],
)
def test_a_secret_is_never_in_a_message(name: str, value: str) -> None:
    said = problems(None, {**LOGIN, "CALLFIRE_PASSWORD": "hunter2", name: value})
    assert any(name in line for line in said)
    assert "hunter2" not in "\n".join(said)


def test_a_secret_is_never_shown() -> None:
    settings = load(
        None,
        {
            **LOGIN,
            "WATCHER_API_TOKEN": "hunter2-hunter2-hunter2",
            "WATCHER_WEBHOOK_URL": "https://example.org/hook?key=hunter2",
            "WATCHER_WEBHOOK_SECRET": SECRET,
            "WATCHER_DATABASE_URL": "postgresql://anna:hunter2@db:5433/watcher?sslmode=require",
        },
    )
    values = {line.key: line.value for line in shown(settings)}
    assert values["accounts.default.password"] == "********"
    assert values["http.token"] == "********"
    assert values["database.url"] == "postgresql://anna@db:5433/watcher?********"
    assert values["database.password"] == "********"
    assert values["endpoints.default.secret"] == "********"
    assert values["endpoints.default.url"] == "https://example.org/hook?********"
    everything = f"{settings!r}{settings!s}{values}"
    assert "hunter2" not in everything.replace("https://example.org/hook?key=hunter2", "")
    assert SECRET not in everything


def test_the_tree_is_frozen() -> None:
    settings = load(None, LOGIN)
    with pytest.raises(ValueError, match="frozen"):
        settings.polling.worth = timedelta(0)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "127.9.9.9:1", "localhost:8080", "[::1]:65535"])
def test_loopback_needs_no_token(address: str) -> None:
    assert str(load_http(None, {"WATCHER_LISTEN": address}).listen) == address


@pytest.mark.parametrize("address", ["0.0.0.0:8080", "[::]:8080", "10.0.0.1:80", "watcher.example.org:80"])
def test_an_address_that_others_reach_needs_a_token(address: str) -> None:
    assert problems(None, {**LOGIN, "WATCHER_LISTEN": address}) == [
        (
            f"environment variable WATCHER_LISTEN: {address} can be reached from other machines, and there is no token: "
            "set WATCHER_API_TOKEN (or http.token_file), or listen on 127.0.0.1"
        )
    ]
    assert str(load(None, {**LOGIN, "WATCHER_LISTEN": address, "WATCHER_API_TOKEN": "x" * 16}).http.listen) == address


def test_a_token_that_could_not_be_read_is_not_also_missing() -> None:
    said = problems(None, {**LOGIN, "WATCHER_LISTEN": "0.0.0.0:1", "WATCHER_API_TOKEN_FILE": "nowhere"})
    assert len(said) == 1
    assert said[0].startswith("environment variable WATCHER_API_TOKEN_FILE: names a file that does not exist")


# The section [http] alone


def test_the_daemons_address_needs_no_other_settings() -> None:
    file = toml('[http]\nlisten = "127.0.0.1:81"\n[accounts.a]\npassword_file = "nowhere"\n[qq]\nx = 1\n')
    assert load_http(file, {"WATCHER_NO_SUCH": "x", "CALLFIRE_RATES": "1"}) == Http.model_validate(
        {"listen": "127.0.0.1:81"}
    )


@pytest.mark.parametrize(
    "environ", [{"WATCHER_LISTEN": "8080"}, {"WATCHER_API_TOKEN_FILE": "nowhere"}, {"WATCHER_HTTP__LISTN": "x"}]
)
def test_a_bad_daemons_address_is_refused_alike(environ: dict[str, str]) -> None:
    with pytest.raises(BadSettings) as caught:
        load_http(None, environ)
    (problem,) = caught.value.problems
    assert problem.place == f"environment variable {next(iter(environ))}"


@given(
    st.dictionaries(
        st.sampled_from(["a", "http", "listen", "login", "rate", "accounts", "x_file", "token_file"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["default", "login", "password_file", "listen", "rate"]), inner, max_size=3
                )
            ),
            max_leaves=6,
        ),
    )
)
def test_no_tree_of_values_leads_to_anything_but_settings_or_problems(tree: dict[str, object]) -> None:
    """Whatever a file holds, the answer is settings or problems, never another error."""
    told: tuple[Problem, ...] = ()  # none of these trees has a password
    try:
        load(toml(_toml(tree)), {})
    except BadSettings as refused:
        told = refused.problems
    assert told


def _toml(tree: dict[str, object]) -> str:
    def text(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key} = {text(inner)}" for key, inner in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(text, value)) + "]"
        if isinstance(value, bool):
            return str(value).lower()
        return repr(value) if isinstance(value, int | float) else '"text"'

    return "\n".join(f"{key} = {text(value)}" for key, value in tree.items())
