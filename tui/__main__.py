"""Where the program begins: as quickly as it can."""

from __future__ import annotations

import gc


def main() -> None:
    """Load the program and run it."""
    # Loading makes objects that stay: to look for garbage meanwhile takes a sixth of the time. It
    # is looked for again once the first frame stands, or before any other command.
    gc.disable()
    from tui.program import run

    run()


if __name__ == "__main__":
    main()
