"""The person's own keys: `keys.toml`, read and checked.

Textual takes any string for a key and lets a second action push the first one off its key without
a word; so everything is looked at here first. A file with mistakes is obeyed as far as it is sound.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from textual.keys import KEY_ALIASES, Keys, _character_to_key, key_to_character

from core.errors import UserError
from tui.keys import GROUPS, KEYS, SHOWN

MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
SPELLINGS = {
    "esc": "escape",
    "return": "enter",
    "del": "delete",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "spacebar": "space",
}
"""Other names under which people know a key."""
TAKEN = {
    "ctrl+c": "copies",
    "ctrl+q": "always quits",
    "tab": "always goes to the next panel",
    "shift+tab": "always goes to the panel before",
    **{alias: f"is {key} to a terminal" for key, names in KEY_ALIASES.items() for alias in names},
}
"""Keys that cannot be had, and why."""
LARGEST = 64 * 1024
"""Bytes of a file that is read at all."""

DEFAULTS: dict[str, str] = {binding.id or "": binding.key for binding in KEYS}
"""The keys of every id as they are without a file, with commas between."""


@dataclass(frozen=True)
class KeyFile:
    """What the file asks for, as far as that can be had."""

    keys: Mapping[str, str] = field(default_factory=dict)
    """From ids to keys with commas between, as `App.set_keymap` takes it."""
    complaints: tuple[str, ...] = ()
    """A sentence about everything else in it."""


def keys_path() -> Path:
    """Where the file stands, if there is one."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "steermore" / "keys.toml"


def read_keys(path: Path) -> KeyFile:
    """The file at `path`; none is an empty one. Never raises: complaints say what is wrong."""
    # A pipe of that name would be waited for.
    if not path.is_file():
        return KeyFile()
    import tomllib

    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            return KeyFile(complaints=(f"{path.name}: too large to be read",))
        table = tomllib.loads(text.decode("utf-8"))
    except OSError as error:
        return KeyFile(complaints=(f"{path.name}: cannot be read: {error.strerror}",))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return KeyFile(complaints=(f"{path.name}: no TOML: {error}",))
    wanted = table.pop("keys", {})
    complaints = [f"{other}: not known here; only [keys] is" for other in table]
    if isinstance(wanted, dict):
        keys, more = checked(wanted)
        complaints += more
    else:
        keys = {}
        complaints.append("keys: must be a table, [keys]")
    return KeyFile(keys, tuple(f"{path.name}: {complaint}" for complaint in complaints))


def checked(wanted: Mapping[str, object]) -> tuple[dict[str, str], list[str]]:
    """What of it can be had, and a complaint for each thing that cannot."""
    keys: dict[str, str] = {}
    complaints: list[str] = []
    owners: dict[str, str] = {}
    for id, value in wanted.items():
        try:
            if id not in DEFAULTS:
                raise UserError(f"{id}: no such id{_meant(id, DEFAULTS)}")
            names = [key_name(id, name) for name in _listed(id, value)]
        except UserError as error:
            complaints.append(str(error))
            continue
        free = [name for name in names if owners.setdefault(name, id) == id]
        complaints += [
            f"{id}: {shown_key(name)} is {owners[name]} already"
            for name in names
            if name not in free
        ]
        if free:
            keys[id] = ",".join(dict.fromkeys(free))
    for id, default in DEFAULTS.items():
        if id in keys:
            continue
        left = [name for name in default.split(",") if name not in owners]
        if not left:
            taker = owners[default.split(",")[0]]
            complaints.append(f"{taker} takes {shown_key(default)} from {id}, which has no key now")
    return keys, complaints


def _listed(id: str, value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    names = [name for name in values if isinstance(name, str) and name]
    if not names or len(names) < len(values):
        raise UserError(f'{id}: must be a key such as "ctrl+t", or a list of keys')
    return names


def key_name(id: str, text: str) -> str:
    """A key as Textual names it, from the way that people write it; raises UserError."""
    *modifiers, base = (text,) if len(text) == 1 else text.strip().split("+")
    if len(base) > 1 or modifiers:
        base = SPELLINGS.get(base.lower(), base.lower())
    name = "+".join([*(part.strip().lower() for part in modifiers), _character(base)])
    known = {key.value for key in Keys} | set(SHOWN)
    if not (
        set(name.split("+")[:-1]) <= MODIFIERS
        and (len(base) == 1 or base in known or key_to_character(base) is not None)
        and base.isprintable()
    ):
        raise UserError(f"{id}: no such key: {text!r}{_meant(base, known)}")
    if name in TAKEN and name not in DEFAULTS[id].split(","):
        raise UserError(f"{id}: {name} {TAKEN[name]}; choose another key")
    return name


def _character(base: str) -> str:
    if base == " ":
        return "space"
    return _character_to_key(base) if len(base) == 1 else base


def _meant(text: str, known: Iterable[str]) -> str:
    # Only where something is wrong: a start without mistakes need not load it.
    from difflib import get_close_matches

    near = get_close_matches(text, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def in_force(keys: Mapping[str, str]) -> dict[str, str]:
    """The keys of every id where a file has asked for `keys`; empty where it has lost them all."""
    taken = {name for names in keys.values() for name in names.split(",")}
    return {
        id: keys.get(id) or ",".join(name for name in default.split(",") if name not in taken)
        for id, default in DEFAULTS.items()
    }


def shown_key(names: str) -> str:
    """Keys as they stand on the keyboard: `?`, `ctrl+t`, `←`; several with blanks between."""
    return " ".join("+".join(map(_on_the_keyboard, name.split("+"))) for name in names.split(","))


def _on_the_keyboard(part: str) -> str:
    function_key = part[:1] == "f" and part[1:].isdigit()
    return SHOWN.get(part) or (part.upper() if function_key else part)


def key_of(id: str, keys: Mapping[str, str]) -> str:
    """The first key of an action as sentences name it, where `keys` are in force."""
    return shown_key(keys[id].split(",")[0]) or "no key"


def written(asked: Mapping[str, str], path: Path) -> str:
    """All ids with their present keys as a file that `read_keys` reads; defaults are comments."""
    keys = in_force(asked)
    lines = [
        f"# The keys of steermore. Save this as {path},",
        "# take the # from the front of a line, and change the key. Several keys: a list.",
        "",
        "[keys]",
    ]
    for group, bindings in GROUPS.items():
        lines += ["", f"# {group}"]
        for binding in bindings:
            id = binding.id or ""
            names = [f'"{_spelled(name)}"' for name in keys[id].split(",") if name]
            value = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
            entry = f"{'' if id in asked else '# '}{id} = {value}"
            lines.append(f"{entry:<36} # {binding.description}: {binding.tooltip}")
    return "\n".join(lines) + "\n"


def _spelled(name: str) -> str:
    shown = SHOWN.get(name, name)
    return shown if shown.isascii() else name
