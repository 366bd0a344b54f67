"""What a daemon with a secret of every kind leaves in PostgreSQL: each row of each table is searched for them, as the file of
SQLite is in test_canaries.py."""

import re
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from tests.app.house import asked
from tests.security.canaries import CANARIES, LOGIN, forms, found_in
from tests.security.guarded import ENDPOINTS, KEYS, READABLE, SHOWN, Running, environment, running, until_said
from tests.sockets import http, listening
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

LEFT: Final = READABLE - {"number of a recipient"}
"""What can be read without a key once submissions are settled: then numbers are not kept any more."""
TABLES: Final = (
    "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'"
)


async def kept(url: str) -> bytes:
    """Every value of every table."""
    connection = await asyncpg.connect(url)
    try:
        tables = [table for (table,) in await connection.fetch(TABLES)]
        found = [await connection.fetch(f"SELECT * FROM {table}") for table in tables]
    finally:
        await connection.close()
    values = [value for rows in found for row in rows for value in row]
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


async def use_all(daemon: Running, receiver: str, broadcast: int, batches: list[int]) -> list[str]:
    """Endpoints with each kind of secret, a token, a submission with a recipient's number, deliveries that fail. Gives the
    secrets that the daemon drew itself."""
    for body in ENDPOINTS:
        made = await daemon.answer("POST", "/v1/endpoints", {"url": receiver, **body})
        assert made.startswith("201 "), made
    shown = [
        await daemon.answer("POST", "/v1/tokens", {"name": "ci", "scopes": ["read"]}, **{"Idempotency-Key": "1"}),
        await daemon.answer("POST", "/v1/endpoints", {"url": receiver}, **{"Idempotency-Key": "2"}),
    ]
    await daemon.answer("POST", "/v1/watches", [{"batch_id": each} for each in batches])
    recipient = {"phone_number": CANARIES["number of a recipient"]}
    path = f"/v1/accounts/default/broadcasts/{broadcast}/batches"
    sent = await daemon.answer("POST", path, {"name": "autumn", "recipients": [recipient]}, Prefer="wait=30")
    assert '"state":"accepted"' in sent, sent
    for each in ("sound", "paired"):
        await until_said(daemon, f"/v1/endpoints/{each}/deliveries", '"code":503')
    return [secret for each in shown for secret in re.findall(r'"(?:wat_|whsec_)([^"]+)"', each)]


@pytest.mark.parametrize("sealed", [True, False])
async def test_a_table_has_no_secret_but_those_that_an_endpoint_needs_and_with_a_key_not_even_these(
    tmp_path: Path, url: str, sealed: bool
) -> None:
    quick = Workload(at_start=6, stuck_share=0.0, scale=0.001, new_lasts=0.01)
    simulated = SimulatorConfig(latency=0.0, accounts={"default": (LOGIN, CANARIES["password"])}, workload=quick)
    async with serve(simulated) as callfire, listening(http(503)) as receiver:
        environ = environment(tmp_path, callfire.api, receiver.url, "json", KEYS if sealed else {})
        batches = (await asked(callfire.control, "/truth"))["batches"]
        async with running(environ | {"WATCHER_DATABASE_URL": url}, tmp_path / "log") as daemon:
            daemon.session.headers["Authorization"] = f"Bearer {CANARIES['token of the settings']}"
            ids = [int(each["id"]) for each in batches]
            drawn = await use_all(daemon, receiver.url, int(batches[0]["broadcast_id"]), ids)
            assert len(drawn) == 2
    rows = await kept(url)
    assert b"autumn" in rows
    assert {name for name, _ in found_in("a table", rows)} == (SHOWN if sealed else SHOWN | LEFT)
    assert [any(form in rows for form in forms(secret)) for secret in drawn] == [False, not sealed]
