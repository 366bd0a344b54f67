"""The demo's stage: a temporary folder, three processes on free ports, and nothing left of them at the end."""

import asyncio
import base64
import json
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

CURTAIN: Final = 30.0
"""Seconds within which a process must say its address."""
LEAVE: Final = 5.0
"""Seconds a process is given to end by itself before it is killed."""
ASK: Final = 10.0
"""Seconds for a question to the simulator or the receiver."""
LAST_LINES: Final = 15


class StageError(Exception):
    """A process did not start, or died: the message has the last lines it wrote."""


class Stage:
    """The processes by name, what they said of their addresses, and the folder they work in."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession) -> None:
        self.folder = folder
        self.addresses: dict[str, str] = {}
        self._session = session
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    async def simulator(
        self, *, seed: int, batches: int, at_start: int, arrivals: float, budget: int, longest: float
    ) -> None:
        """A CallFire whose batches come over a while and end soon, and that enforces a budget of its own."""
        workload = ["--at-start", at_start, "--batches", batches - at_start, "--arrivals", arrivals]
        life = ["--longest", longest, "--stuck-share", 0, "--seed", seed, "--budget", budget]
        said = await self._start("simulator", ["simulate", *workload, *life], {})
        self.addresses |= {"callfire": said["api"], "control": said["control"]}

    async def receiver(self, *, fail_first: int) -> None:
        """A receiver that refuses the first webhooks."""
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        said = await self._start(
            "receiver", ["receive", "--secret-file", self._keep("secret", secret), "--fail-first", fail_first], {}
        )
        self.addresses["receiver"] = said["url"]

    async def daemon(self, *, rate: float) -> None:
        """The daemon, on the database of the one before if there was one."""
        environ = {
            "CALLFIRE_BASE_URL": self.addresses["callfire"],
            "CALLFIRE_LOGIN": "login",
            "CALLFIRE_PASSWORD_FILE": self._keep("password", "password"),
            "CALLFIRE_RATE": str(rate),
            "WATCHER_DATABASE_URL": f"sqlite:///{self.folder / 'watcher.db'}",
            "WATCHER_LISTEN": "127.0.0.1:0",
            "WATCHER_WEBHOOK_URL": self.addresses["receiver"],
            "WATCHER_WEBHOOK_SECRET_FILE": str(self.folder / "secret"),
        }
        said = await self._start("daemon", ["run", "--config", demo_file(), "--output", "json"], environ)
        self.addresses["daemon"] = said["url"]

    async def kill_daemon(self) -> None:
        """Ends the daemon in the middle of whatever it does: SIGKILL cannot be caught."""
        process = self._processes.pop("daemon")
        process.kill()
        await process.wait()

    async def ask(self, where: str, path: str) -> Any:
        """What the simulator's control address or the receiver says."""
        return json.loads(await self.read(where, path))

    async def read(self, where: str, path: str) -> str:
        """The text at a path."""
        try:
            async with asyncio.timeout(ASK), self._session.get(self.addresses[where].rstrip("/") + path) as response:
                return await response.text()
        except (TimeoutError, aiohttp.ClientError) as error:
            raise StageError(f"{where} does not answer ({error}){self._last_words()}") from error

    async def clear(self) -> None:
        """Ends every process: asked first, then killed. The last started goes first."""
        for process in reversed(self._processes.values()):
            if process.returncode is None:
                process.terminate()
            try:
                async with asyncio.timeout(LEAVE):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _start(self, name: str, arguments: Sequence[object], environ: Mapping[str, str]) -> dict[str, str]:
        """Starts `watcher …` and gives what it says of its addresses. It has a session of its own: Ctrl-C reaches it by us."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "watcher", *map(str, arguments)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**_plain_environment(), **environ},
                start_new_session=True,
            )
        self._processes[name] = process
        assert process.stdout is not None  # noqa: S101 -- it is a pipe
        try:
            async with asyncio.timeout(CURTAIN):
                line = await process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            raise StageError(f"the {name} did not start{self._last_words(name)}")
        said: dict[str, str] = json.loads(line)
        return said

    def _keep(self, name: str, secret: str) -> str:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(secret)
        return str(path)

    def _last_words(self, name: str | None = None) -> str:
        names = (
            [name] if name is not None else [name for name, process in self._processes.items() if process.returncode]
        )
        lines = [
            line for each in names for line in (self.folder / f"{each}.log").read_text(errors="replace").splitlines()
        ]
        return "".join(f"\n  {line}" for line in lines[-LAST_LINES:])


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    """A stage, cleared and removed at the end however that comes."""
    with tempfile.TemporaryDirectory(prefix="watcher-demo-") as folder:
        async with aiohttp.ClientSession() as session:
            stage = Stage(Path(folder), session)
            try:
                yield stage
            finally:
                clearing = asyncio.create_task(stage.clear(), name="clear the stage")
                while not clearing.done():
                    try:
                        await asyncio.shield(clearing)
                    except asyncio.CancelledError:
                        continue  # asked twice: the processes still have to go, and it takes seconds at most
                clearing.result()


def demo_file() -> Path:
    """The settings of the demo's daemon: in the package where it is installed, else in the project's config folder."""
    here = Path(__file__).parent
    installed = here / "demo.toml"
    return installed if installed.exists() else here.parents[2] / "config" / "demo.toml"


def _plain_environment() -> dict[str, str]:
    """Ours without anything that would be a setting: the demo must not touch a real account."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("WATCHER_", "CALLFIRE_"))}
