"""The command `keys`: every key as a file that can be saved, changed and obeyed.

Imported for what it adds to the program of core/cli.py. Textual is loaded only where it is run.
"""

from __future__ import annotations

import sys

from core.cli import app


@app.command()
def keys() -> None:
    """Print every key as TOML: save it as keys.toml, and change what you like."""
    from tui.keymap import keys_path, read_keys, written

    path = keys_path()
    found = read_keys(path)
    print(written(found.keys, path), end="")
    for complaint in found.complaints:
        print(f"steermore: {complaint}", file=sys.stderr)
