"""Which accounts may be asked about: those of the settings, and to read what is kept, also those that have rows in the store."""

from collections.abc import Sequence

from watcher.ports import Store
from watcher.web.problems import Problem, cut, listed


def require_account(name: str, accounts: Sequence[str]) -> None:
    """Returns where the settings have the account, else raises the Problem that names those there are."""
    if name not in accounts:
        raise Problem(404, "unknown-account", f"There is no account {cut(name)!r}. There are: {listed(accounts)}.")


async def require_kept(name: str, accounts: Sequence[str], store: Store) -> None:
    """As `require_account`, but what is kept of an account that was taken out of the settings stays readable."""
    if name in accounts or await store.tally(name) or await store.account(name) is not None:
        return
    require_account(name, accounts)
