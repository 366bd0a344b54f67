"""What of changed settings a running daemon takes up, and what only a start does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from watcher.settings.keys import Key, dotted, keys, named_sections
from watcher.settings.model import Account, Settings

LIVE_SECTIONS: Final = ("accounts", "endpoints", "retention", "log")
LIVE_KEYS: Final = ("webhooks.max_in_flight", "webhooks.per_endpoint", "webhooks.allow_networks")
"""What a running daemon takes up; anything else is read at the start. So is how an account is divided (`parts`), for that must be
the same for all replicas; with it the rest of that account stays as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What to go by from now on: the settings that are in force then, the keys that are otherwise in them, and those that need a
    start. An account or endpoint that comes or goes is named as a whole."""

    settings: Settings
    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


def difference(before: Settings, after: Settings) -> Difference:
    """What becomes of the settings in force where these were read."""
    accounts, stays = _accounts(before.accounts, after.accounts)
    webhooks = {name.partition(".")[2]: getattr(after.webhooks, name.partition(".")[2]) for name in LIVE_KEYS}
    in_force = before.model_copy(
        update={
            **{section: getattr(after, section) for section in LIVE_SECTIONS},
            "accounts": accounts,
            "webhooks": before.webhooks.model_copy(update=webhooks),
        }
    )
    changed: list[str] = []
    restart: list[str] = []
    for name in _differing(before, after):
        account = ".".join(name.split(".")[:2])
        live = (name in LIVE_KEYS or name.partition(".")[0] in LIVE_SECTIONS) and account not in stays
        (changed if live else restart).append(name)
    return Difference(settings=in_force, changed=tuple(changed), restart=tuple(restart))


def _accounts(before: Mapping[str, Account], after: Mapping[str, Account]) -> tuple[dict[str, Account], set[str]]:
    """The accounts from now on, and those that stay as they were, for they are divided otherwise."""
    stays = {f"accounts.{name}" for name, each in after.items() if name in before and before[name].parts != each.parts}
    return {name: before[name] if f"accounts.{name}" in stays else each for name, each in after.items()}, stays


def _differing(before: Settings, after: Settings) -> list[str]:
    """The names of what is not the same, in the order of the model."""
    found: list[str] = []
    by_section: dict[str, list[Key]] = {}
    for key in keys():
        by_section.setdefault(key.path[0], []).append(key)
    for section, of_section in by_section.items():
        old, new = getattr(before, section), getattr(after, section)
        if section not in named_sections():
            found += _keys_differing((section,), of_section, old, new)
            continue
        for name in dict.fromkeys((*old, *new)):
            if name in old and name in new:
                found += _keys_differing((section, name), of_section, old[name], new[name])
            else:
                found.append(dotted((section, name)))
    return found


def _keys_differing(path: tuple[str, ...], of_section: list[Key], old: Any, new: Any) -> list[str]:
    names = [key.path[-1] for key in of_section]
    return [dotted((*path, name)) for name in names if getattr(old, name) != getattr(new, name)]
