"""Where a study stands, and what an address of a database may be: read without Optuna.

A password in an address is never shown, and stands in no file.
"""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from core.errors import UserError, harmless

FOLDER = "sweeps"
"""Within the folder of runs; nothing in it looks like a run."""
VARIABLE = "STEERMORE_STORAGE"
"""Names a database as `--storage` does, where a list of processes does not show it."""
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
}
HEARTBEAT = 20
"""Seconds between two signs of life of a worker."""
HOST, RUN = "host", "run"
"""What a trial says of where its run is."""


@dataclass(frozen=True)
class Place:
    """Where a study is kept."""

    runs: Path
    """The folder that this machine's trials are runs of."""
    url: str = field(default="", repr=False)
    """Of a database; empty: a journal file in `runs`."""
    heartbeat: int = HEARTBEAT

    @property
    def folder(self) -> Path:
        """What this machine keeps of its sweeps."""
        return self.runs / FOLDER

    def journal(self, study: str) -> Path:
        """The file of a study that is in no database."""
        return self.folder / f"{study}.journal"

    def told(self, study: str) -> str:
        """Where the study stands, fit to be shown: without a password."""
        if not self.url:
            return harmless(str(self.journal(study)))
        url = parsed(self.url)
        # In the query some drivers take a password, too.
        shown = url.set(query={}, drivername=url.get_backend_name())
        return harmless(shown.render_as_string(hide_password=True))


class Order(msgspec.Struct, frozen=True):
    """What a worker is told to do."""

    runs: str
    study: str
    url: str = ""
    heartbeat: int = 0
    data: str | None = None
    """Where the list is on this machine; None: where the study says, or the shipped one."""

    @property
    def place(self) -> Place:
        """Where the study is kept."""
        return Place(Path(self.runs), self.url, self.heartbeat)


def need_optuna() -> None:
    """Refuse to sweep without the libraries for it."""
    if importlib.util.find_spec("optuna") is None:
        raise UserError(
            "sweep needs optuna, which is not installed; `pip install 'steermore[sweep]'` brings it"
        )


def checked_url(url: str) -> str:
    """A database's address as SQLAlchemy takes it; raises UserError, in which it is not quoted."""
    parts = parsed(url)
    driver = DRIVERS.get(parts.get_backend_name())
    if driver is None:
        kind = harmless(parts.get_backend_name(), 40)
        raise UserError(
            f"storage {kind} cannot keep a study; give postgresql://USER@HOST/DATABASE or"
            " mysql://…, or leave it out for a file on this machine"
        )
    if importlib.util.find_spec(driver.partition("+")[2]) is None:
        raise UserError(
            f"storage {parts.get_backend_name()} needs {driver.partition('+')[2]}, which is not"
            " installed; `pip install 'steermore[sweep]'` brings it"
        )
    whole: str = parts.set(drivername=driver).render_as_string(hide_password=False)
    return whole


def parsed(url: str) -> Any:
    """An address in its parts; raises UserError, in which it is not quoted."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise UserError(
            "storage must be an address such as postgresql://USER@HOST/DATABASE; what is given"
            " cannot be read as one"
        ) from None


def without_password(place: Place, text: str) -> str:
    """`text` without the password of the storage's address, should a library quote it."""
    if not place.url:
        return text
    url = parsed(place.url)
    queried = (value for name, value in url.query.items() if "pass" in name)
    for secret in filter(None, (url.password, *queried)):
        text = text.replace(str(secret), "***")
    return text


def run_of(place: Place, attributes: Mapping[str, Any]) -> Path | None:
    """The directory of a trial's run, if it was made here; a study's word alone leads nowhere."""
    name = str(attributes.get(RUN, ""))
    ours = attributes.get(HOST) == socket.gethostname() and Path(name).name == name
    directory = place.runs / name
    return directory if ours and name and (directory / "config.json").exists() else None
