"""Which key a hint such as `Enter applies · ← → move · Escape leaves` names at one of its cells.

So that whatever a dialog says of its keys can be clicked as well.
"""

from __future__ import annotations

from rich.cells import cell_len

JOINT = " · "
NAMED = {
    "enter": "enter",
    "escape": "escape",
    "esc": "escape",
    "tab": "tab",
    "space": "space",
    "←": "left",
    "→": "right",
    "↑": "up",
    "↓": "down",
}
"""How hints spell keys, and how Textual does."""


def key_at(hint: str, x: int) -> str | None:
    """The key to press for a click on that cell; None between hints, and on one without a key."""
    begin = 0
    for part in hint.split(JOINT):
        if 0 <= x - begin < cell_len(part):
            keys = _keys_of(part)
            hit = [key for key, start in keys if begin + start <= x]
            return hit[-1] if hit else None
        begin += cell_len(part + JOINT)
    return None


def _keys_of(part: str) -> list[tuple[str, int]]:
    """The keys at the beginning of one hint, each with the cell where it is named."""
    found, start = [], 0
    for word in part.split(" "):
        named = word.rstrip(":,").lower()
        if named in NAMED or named.startswith("ctrl+"):
            found.append((NAMED.get(named, named), start))
        elif named and all(sign in NAMED for sign in named):
            found += [(NAMED[sign], start + at) for at, sign in enumerate(named)]
        elif len(word) == 1 and word.isalnum():
            found.append((word, start))
        elif word:
            break
        start += cell_len(word) + 1
    return found
