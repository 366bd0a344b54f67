"""A PostgreSQL for what daemons and commands do with one."""

from tests.store.empty import server, url

__all__ = ["server", "url"]
