"""With which login an account was refused is kept where it was, and worked out for no other account."""

from dataclasses import replace
from pathlib import Path

from tests.app.house import settings_for
from tests.fake_store import FakeStore
from tests.fakes import FakeClock
from watcher.app.logins import Marked, mark_of
from watcher.core.account import AccountRecord
from watcher.ports import AccountChange

REFUSED = AccountRecord(name="a", refused=True, reason="not our login", refusals=1)


async def test_the_login_is_marked_where_the_account_is_refused_and_not_worked_out_otherwise() -> None:
    marked = 0

    async def mark() -> str:
        nonlocal marked
        marked += 1
        return "this login"

    kept = Marked(FakeStore(FakeClock()), mark)
    in_order = AccountRecord(name="a")
    await kept.save_account(AccountChange(record=in_order))
    assert (await kept.account("a"), marked) == (in_order, 0)
    await kept.save_account(AccountChange(record=REFUSED))
    assert (await kept.account("a"), marked) == (replace(REFUSED, credentials="this login"), 1)


async def test_a_mark_tells_one_login_from_another_and_not_what_it_is(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "http://127.0.0.1:1")
    (account,) = settings.accounts.values()
    other = account.model_copy(update={"login": "another"})
    marks = [await mark_of(each) for each in (account, account, other)]
    assert (marks[0] == marks[1], marks[0] == marks[2], [len(mark) for mark in marks]) == (True, False, [16, 16, 16])
