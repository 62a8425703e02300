"""A real PostgreSQL of its own for a test: on a free port of this machine, in a folder of its own,
with a password, and gone at the end.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "open:sesame@42"
"""With what has to be escaped in an address."""
ESCAPED = "open%3Asesame%4042"


def binaries() -> Path | None:
    """Where `initdb` and `pg_ctl` are; None if there is no PostgreSQL here."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


def reason() -> str:
    """Why none can be started here; empty where one can."""
    if binaries() is None:
        return "PostgreSQL is not installed here"
    if os.getuid() == 0 and (shutil.which("runuser") is None or servant("postgres") is None):
        return "PostgreSQL does not run as root, and there is nobody else to run it"
    return ""


@contextmanager
def postgresql() -> Iterator[str]:
    """Yields the address of its database, password included."""
    folder = Path(tempfile.mkdtemp(prefix="steermore-postgresql-"))
    data, secret = folder / "data", folder / "secret"
    secret.write_text(PASSWORD)
    owner = servant("postgres") if os.getuid() == 0 else None
    if owner is not None:
        for path in (folder, secret):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    port = free_port()
    try:
        options = ["-A", "scram-sha-256", "-U", "sweeper", f"--pwfile={secret}", "--no-sync"]
        _call(folder, "initdb", "-D", str(data), *options)
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -F"
        _call(
            folder, "pg_ctl", "-D", str(data), "-l", f"{folder}/log", "-w", "-o", settings, "start"
        )
        try:
            yield f"postgresql://sweeper:{ESCAPED}@127.0.0.1:{port}/postgres"
        finally:
            _call(folder, "pg_ctl", "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """One of this machine's that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def servant(name: str) -> pwd.struct_passwd | None:
    """Who runs a server where root must not: of that name, else nobody."""
    for each in (name, "nobody"):
        try:
            return pwd.getpwnam(each)
        except KeyError:
            continue
    return None


def _call(folder: Path, program: str, *arguments: str) -> None:
    found = binaries()
    assert found is not None
    command = [str(found / program), *arguments]
    if os.getuid() == 0 and (owner := servant("postgres")) is not None:
        command = ["runuser", "-u", owner.pw_name, "--", *command]
    with (folder / f"{program}.out").open("ab") as out:
        # To a file: the server inherits it, and would keep a pipe open.
        done = subprocess.run(command, cwd=folder, stdout=out, stderr=out, check=False)
    assert done.returncode == 0, (folder / f"{program}.out").read_text("utf-8", "replace")
