"""The simulator and the demo's receiver, as commands."""

import json
import socket
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

from tests.cli.conftest import Watcher, process


def test_the_simulator_says_its_addresses(tmp_path: Path) -> None:
    with process("simulate", "--at-start", 3, "--batches", 2, "--arrivals", 0.001, folder=tmp_path) as said:
        assert set(said) == {"api", "control"}
        with urlopen(said["control"] + "/state") as answer:
            assert json.load(answer)["batches"] == 3


def test_the_simulator_can_be_had_at_another_address(tmp_path: Path) -> None:
    """In a container others have to reach it."""
    with process("simulate", "--host", "127.0.0.2", folder=tmp_path) as said:
        assert {urlsplit(address).hostname for address in said.values()} == {"127.0.0.2"}
        assert urlopen(said["control"] + "/state").status == 200


def test_the_receiver_says_its_address(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("whsec_" + "AAAA" * 8)
    with (
        process("receive", "--secret-file", "secret", folder=tmp_path) as said,
        urlopen(said["url"] + "journal") as answer,
    ):
        assert json.load(answer) == {"received": [], "next": 0}


def test_a_port_in_use_and_a_missing_secret_are_told(watcher: Watcher) -> None:
    Path("secret").write_text("whsec_" + "AAAA" * 8)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments in (("simulate",), ("receive", "--secret-file", "secret")):
            result = watcher(*arguments, "--port", port)
            assert (result.exit_code, result.stdout) == (2, "")
            assert result.stderr.startswith("cannot listen: ")
    result = watcher("receive", "--secret-file", "nowhere")
    assert result.exit_code == 2
    assert result.stderr.startswith("nowhere: cannot be read (No such file or directory): ")
