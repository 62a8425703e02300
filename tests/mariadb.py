"""A real MariaDB, which speaks as MySQL does, for a test: on a free port, in a folder of its own,
with a password, and gone at the end.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgresql import ESCAPED, PASSWORD, free_port, servant

SECONDS = 60
"""A busy machine may take to start it."""
FIRST = f"""
CREATE DATABASE sweeps;
CREATE USER 'sweeper'@'%' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON sweeps.* TO 'sweeper'@'%';
"""


def reason() -> str:
    """Why none can be started here; empty where one can."""
    if shutil.which("mariadbd", path=_path()) is None or shutil.which("mariadb-install-db") is None:
        return "MariaDB is not installed here"
    if os.getuid() == 0 and servant("mysql") is None:
        return "MariaDB does not run as root, and there is nobody else to run it"
    return ""


@contextmanager
def mariadb() -> Iterator[str]:
    """Yields the address of its database, password included."""
    folder = Path(tempfile.mkdtemp(prefix="steermore-mariadb-"))
    first, log = folder / "first.sql", folder / "log"
    first.write_text(FIRST)
    owner = servant("mysql") if os.getuid() == 0 else None
    if owner is not None:
        for path in (folder, first):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    user = [] if owner is None else [f"--user={owner.pw_name}"]
    data = f"--datadir={folder / 'data'}"
    port = free_port()
    server: subprocess.Popen[bytes] | None = None
    try:
        with log.open("ab") as out:
            made = subprocess.run(
                ["mariadb-install-db", "--no-defaults", data, "--skip-test-db", *user],
                stdout=out,
                stderr=out,
                check=False,
            )
            assert made.returncode == 0, log.read_text("utf-8", "replace")
            options = [f"--port={port}", "--bind-address=127.0.0.1", f"--init-file={first}"]
            options += [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
            program = shutil.which("mariadbd", path=_path())
            assert program is not None
            command = [program, "--no-defaults", data, *options, *user]
            server = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
        _wait(server, port, log)
        yield f"mysql://sweeper:{ESCAPED}@127.0.0.1:{port}/sweeps"
    finally:
        if server is not None:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        assert server.poll() is None, log.read_text("utf-8", "replace")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, log.read_text("utf-8", "replace")
            time.sleep(0.1)
        else:
            return


def _path() -> str:
    # Where servers are is not in everyone's.
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/libexec"])
