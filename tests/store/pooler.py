"""pgbouncer before the server of the tests, handing out single transactions."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from tests.store.postgres_server import NOBODY, Server

PORT: Final = 6432
"""What its socket is called by, in a folder of its own."""
SETTINGS: Final = """\
[databases]
* = host={server} user=postgres

[pgbouncer]
unix_socket_dir = {folder}
listen_port = {port}
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
logfile = {folder}/log
"""


@contextmanager
def pooling(server: Server) -> Iterator[Path]:
    """The folder of its socket, as long as the context lasts."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    folder = Path(tempfile.mkdtemp(prefix="watcher-pool-"))
    settings = folder / "pgbouncer.ini"
    settings.write_text(SETTINGS.format(server=server.folder, folder=folder, port=PORT))
    user = NOBODY if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
    setpriv = shutil.which("setpriv")  # ends it when whoever started it is gone, also where that was killed
    with_us = () if setpriv is None else (setpriv, "--pdeathsig", "INT", "--")
    process = subprocess.Popen(
        [*with_us, program, "-q", str(settings)],
        stdin=subprocess.DEVNULL,
        user=user,
        cwd="/",
    )
    try:
        while not _answers(folder):
            assert process.poll() is None, (folder / "log").read_text()
        yield folder
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        shutil.rmtree(folder)


def _answers(folder: Path) -> bool:
    with closing(socket.socket(socket.AF_UNIX)) as asking:
        return asking.connect_ex(str(folder / f".s.PGSQL.{PORT}")) == 0
