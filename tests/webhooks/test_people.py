"""People are told in threads: within the time-out, in bounded numbers, and one who hangs holds up nobody else."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from tests.fakes import NOON, FakeClock, settle_down
from tests.webhooks.house import DELIVERY, endpoint
from watcher.core.endpoint import Attempt, Cause, Delivery, Endpoint, Secrets
from watcher.core.notification import THREADS, Notification, notification_of
from watcher.ports import Handshake
from watcher.webhooks.failures import Failure
from watcher.webhooks.people import HANGING, ByKind, PeopleSender

URL = "slack://secret"
QUICK = "slack://quick"
REFUSED = Failure("not_accepted", "the service answered 401")
CAUSES: tuple[Cause, ...] = ("schedule", "recovery", "person")
PATIENCE = 60.0


class Service:
    """What is told, by URL and in which thread. While it may not go on it hangs, but for one URL."""

    def __init__(self, *answers: Failure | None) -> None:
        self.told: list[tuple[str, Notification, str]] = []
        self.answers = list(answers)
        self._began = threading.Semaphore(0)
        self.goes_on = threading.Event()
        self.goes_on.set()

    def __call__(self, url: str, notification: Notification) -> Failure | None:
        self.told.append((url, notification, threading.current_thread().name))
        self._began.release()
        if url != QUICK:
            self.goes_on.wait()
        return self.answers.pop(0) if self.answers else None

    async def begun(self, times: int = 1) -> None:
        """Returns when so many more were begun."""
        for _ in range(times):
            assert await asyncio.to_thread(self._began.acquire, timeout=PATIENCE)

    async def end(self) -> None:
        """Hangs no more: returns when all that hung have ended."""
        self.goes_on.set()
        for thread in threading.enumerate():
            if thread.name.startswith(THREADS):
                await asyncio.to_thread(thread.join, PATIENCE)
        await settle_down()


@asynccontextmanager
async def hanging() -> AsyncIterator[Service]:
    """One that hangs until the end, at the latest."""
    service = Service()
    service.goes_on.clear()
    try:
        yield service
    finally:
        service.goes_on.set()


def people(name: str = "oncall", *, url: str | None = URL, timeout: float = 15.0) -> Endpoint:
    return Endpoint(
        id=name, url="apprise:slack://…", timeout=timedelta(seconds=timeout), secrets=Secrets(apprise_url=url)
    )


def another(number: int = 99) -> Delivery:
    """A delivery of another event, one for each number."""
    return replace(DELIVERY, id=1000 + number, event_id=f"evt_{number}")


def attempt(code: int | None, failure: Failure | None = None) -> Attempt:
    """One that took no time, for the clock stands still."""
    kind, detail = failure or (None, None)
    return Attempt(at=NOON, took=timedelta(0), code=code, error=kind, detail=detail)


def late(detail: str = "no answer in time") -> Attempt:
    return attempt(None, Failure("timeout", detail))


def sender(service: Service) -> PeopleSender:
    return PeopleSender(announce=service, clock=FakeClock())


async def test_what_is_accepted_is_done_and_what_is_not_says_why() -> None:
    service = Service(None, REFUSED)
    ours = sender(service)
    assert await ours.send(people(), DELIVERY) == attempt(200)
    assert await ours.send(people(), DELIVERY) == attempt(None, REFUSED)
    assert service.told == [(URL, notification_of(DELIVERY.body), f"{THREADS}oncall")] * 2


async def test_a_sample_is_told_as_one() -> None:
    service = Service()
    await sender(service).send(people(), replace(DELIVERY, event_id="test_1"))
    assert service.told[0][1] == notification_of(DELIVERY.body, sample=True)


async def test_where_the_settings_of_this_process_do_not_say_whom_nobody_is_told() -> None:
    service = Service()
    brought = await sender(service).send(people(url=None), DELIVERY)
    assert brought == attempt(
        None, Failure("no_secret", "this daemon's settings do not have the endpoint's apprise_url")
    )
    assert service.told == []


async def test_who_hangs_is_given_up_in_time_and_tried_no_more_until_one_of_them_ends() -> None:
    async with hanging() as service:
        ours = PeopleSender(announce=service, clock=FakeClock(), remembered=0)  # which forgets nobody who hangs
        for number in range(HANGING):
            assert await ours.send(people(timeout=0.02), another(number)) == late()
        assert await ours.send(people(timeout=0.02), another(0)) == late()  # it is what hangs already
        assert await ours.send(people(timeout=0.02), another()) == late(f"{HANGING} attempts before it still hang")
        await service.begun(HANGING)
        assert len(service.told) == HANGING
        await service.end()
        assert await ours.send(people(), another()) == attempt(200)
        assert len(service.told) == HANGING + 1


async def test_who_hangs_holds_up_nobody_else() -> None:
    async with hanging() as service:
        ours = sender(service)
        for number in range(HANGING):
            await ours.send(people(timeout=0.02), another(number))
        assert await ours.send(people("sales", url=QUICK), DELIVERY) == attempt(200)


async def test_what_finds_no_thread_within_its_time_out_is_late_and_others_have_their_own() -> None:
    async with hanging() as service:
        ours = PeopleSender(announce=service, clock=FakeClock(), most=1)
        first = asyncio.create_task(ours.send(people(), DELIVERY))
        await service.begun()
        assert await ours.send(people(timeout=0.02), another()) == late(
            "no thread was free in time: other attempts at the endpoint were under way"
        )
        assert await ours.send(people("sales", url=QUICK), DELIVERY) == attempt(200)
        service.goes_on.set()
        assert await first == attempt(200)
    assert len(service.told) == 2


async def test_what_is_accepted_late_is_not_sent_again_but_by_a_person() -> None:
    async with hanging() as service:
        ours = sender(service)
        for cause in CAUSES:
            assert await ours.send(people(timeout=0.02), replace(DELIVERY, cause=cause)) == late()
        await service.begun()
        assert len(service.told) == 1
        waiting = asyncio.create_task(ours.send(people(), DELIVERY))
        await settle_down()
        await service.end()
        assert await waiting == attempt(200)
        assert len(service.told) == 1

        service.goes_on.clear()
        assert await ours.send(people(timeout=0.02), DELIVERY) == late()
        await service.end()
        assert await ours.send(people(), DELIVERY) == attempt(200)
        assert len(service.told) == 2

        service.goes_on.clear()
        assert await ours.send(people(timeout=0.02), DELIVERY) == late()
        await service.end()
        assert await ours.send(people(), replace(DELIVERY, cause="person")) == attempt(200)
        assert len(service.told) == 4


async def test_what_failed_late_or_was_told_somebody_else_is_sent_again() -> None:
    async with hanging() as service:
        service.answers[:] = [REFUSED]
        ours = sender(service)
        assert await ours.send(people(timeout=0.02), DELIVERY) == late()
        await service.end()
        assert await ours.send(people(), DELIVERY) == attempt(200)

        service.goes_on.clear()
        assert await ours.send(people(timeout=0.02), DELIVERY) == late()
        assert await ours.send(people(url=QUICK), DELIVERY) == attempt(200)
        assert [url for url, _, _ in service.told] == [URL, URL, URL, QUICK]


async def test_who_hangs_holds_up_nothing_that_goes_elsewhere_meanwhile() -> None:
    """An endpoint whose URL was mended is not held up by what hangs at the old one."""
    async with hanging() as service:
        ours = sender(service)
        for number in range(HANGING):
            await ours.send(people(timeout=0.02), another(number))
        assert await ours.send(people(url=QUICK), another()) == attempt(200)


async def test_of_what_ended_late_no_more_than_so_many_are_remembered() -> None:
    async with hanging() as service:
        ours = PeopleSender(announce=service, clock=FakeClock(), remembered=2)
        for number in range(3):
            await ours.send(people(timeout=0.02), another(number))
        await service.end()
        service.goes_on.clear()
        await ours.send(people(timeout=0.02), another(3))  # so the two oldest are forgotten
        await service.begun(4)
        told = len(service.told)
        assert await ours.send(people(), another(2)) == attempt(200)
        assert len(service.told) == told
        for number in (0, 1):
            assert await ours.send(people(timeout=0.02), another(number)) == late()
        await service.begun(2)
        assert len(service.told) == told + 2


async def test_an_attempt_that_nobody_waits_for_any_more_counts_as_hanging_until_it_ends() -> None:
    async with hanging() as service:
        ours = sender(service)
        tasks = [asyncio.create_task(ours.send(people(), another(number))) for number in range(HANGING)]
        await service.begun(HANGING)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert await ours.send(people(), another()) == late(f"{HANGING} attempts before it still hang")


def test_the_end_of_the_process_waits_for_nobody_who_hangs() -> None:
    text = """
import asyncio, threading
from tests.webhooks.test_people import DELIVERY, PeopleSender, FakeClock, people

async def main():
    ours = PeopleSender(announce=lambda url, notification: threading.Event().wait(), clock=FakeClock())
    print((await ours.send(people(timeout=0.02), DELIVERY)).error)

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "timeout\n", "")


async def test_each_endpoint_is_sent_to_by_the_sender_of_its_kind() -> None:
    class Webhooks:
        def __init__(self) -> None:
            self.sent: list[str] = []

        async def send(self, endpoint: Endpoint, delivery: Delivery) -> Attempt:
            self.sent.append(endpoint.id)
            return attempt(204)

        async def handshake(self, endpoint: Endpoint) -> Handshake:
            return Handshake(attempt=attempt(204), consents=True)

    webhooks, service = Webhooks(), Service()
    both = ByKind(webhooks=webhooks, people=sender(service))
    hook = endpoint("https://example.org/")
    assert await both.send(hook, DELIVERY) == attempt(204)
    assert await both.send(people(), DELIVERY) == attempt(200)
    assert (webhooks.sent, len(service.told)) == (["default"], 1)
    assert (await both.handshake(hook)).consents


def test_a_thread_that_outlives_the_loop_ends_without_a_word() -> None:
    service = Service()
    service.goes_on.clear()
    assert asyncio.run(sender(service).send(people(timeout=0.02), DELIVERY)) == late()
    (thread,) = [each for each in threading.enumerate() if each.name == f"{THREADS}oncall"]
    service.goes_on.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
