"""The files in config/ say what the model says: every key, with its default, and nothing else."""

import re
import tomllib
from pathlib import Path

import trustme

from watcher.settings import Settings, load
from watcher.settings.keys import keys

CONFIG = Path(__file__).parents[2] / "config"
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PAIR = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def uncommented() -> str:
    """The commented file with every key and table in force."""
    return re.sub(r"^# (?=\[|[a-z_]+ = )", "", (CONFIG / "watcher.toml").read_text(), flags=re.MULTILINE)


def chosen(text: str) -> str:
    """With secrets in the place of what stands for them; of two ways to give credentials the second, of two kinds the first."""
    for placeholder, secret in (("whsec_…", SECRET), ("whsk_…", PAIR), ("made-by-watcher-db-key", KEY)):
        text = text.replace(f'"{placeholder}"', f'"{secret}"')
    return re.sub(r"^(?=bearer = |apprise_url = )", "# ", text, flags=re.MULTILINE)


def test_the_commented_file_changes_nothing() -> None:
    assert tomllib.loads((CONFIG / "watcher.toml").read_text()) == {}


def test_the_commented_file_names_every_key_and_no_other() -> None:
    named = [
        (section, *path)
        for section, table in tomllib.loads(uncommented()).items()
        for path in ([("NAME", key) for key in table["default"]] if "default" in table else [(key,) for key in table])
    ]
    assert named == [key.path for key in keys()]


def test_the_commented_file_shows_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "watcher.toml"
    authority = tmp_path / "own-authority.pem"
    trustme.CA().cert_pem.write_to_path(authority)
    file.write_text(chosen(uncommented()).replace("/etc/ssl/own-authority.pem", str(authority)))
    file.chmod(0o600)
    shown = load(file, {})
    plain = Settings.model_validate(
        {
            "accounts": {"default": {"login": "your-api-login", "password": "your-api-password"}},
            "webhooks": {"proxy": "http://proxy.example.org:3128", "ca_file": authority},
            "endpoints": {
                "default": {
                    "url": "https://example.org/callfire",
                    "secret": SECRET,
                    "private_key": PAIR,
                    "timeout": 15,
                    "concurrency": 4,
                    "rate": 50,
                    "username": "the-receivers-login",
                    "password": "the-receivers-password",
                }
            },
            "database": {"password": "of-the-user-in-the-url", "encryption_key": KEY},
            "http": {"token": "made-by-watcher-token-random"},
            "telemetry": {"traces_endpoint": "http://127.0.0.1:4318", "traces_service": "callfire-batch-watcher"},
        }
    )
    assert shown.model_dump() == plain.model_dump()
    assert shown.warnings == ()


def test_the_demo_file_needs_only_what_the_demo_adds() -> None:
    added = {"CALLFIRE_LOGIN": "demo", "CALLFIRE_PASSWORD": "demo", "CALLFIRE_RATE": "10"}
    settings = load(CONFIG / "demo.toml", added)
    assert settings.accounts["default"].rate == 10
    assert settings.warnings == ()


def test_the_demo_file_says_nothing_that_the_demo_overrides() -> None:
    """Each setting of the demo stands in one place."""
    overridden = {"accounts", "database", "endpoints", "http"}
    assert overridden.isdisjoint(tomllib.loads((CONFIG / "demo.toml").read_text()))
