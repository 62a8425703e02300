"""What the view of samples says in words: about a drawing, about a name, about what was done."""

from __future__ import annotations

from collections.abc import Sequence

from tui.history.history import History
from tui.samples.desk import Desk
from tui.samples.drawing import WHEN
from tui.samples.drawings import all_series
from tui.samples.kept import Favourite
from tui.samples.lines import figure
from tui.samples.marks import SENTENCES, STAR, told

COPIED = "by the code OSC 52, which some terminals ignore"


def title_of(desk: Desk, history: History) -> str:
    """`Samples · step 48,200, training · drawn again at every evaluation`."""
    state = "training" if history.running and not history.finished else "standing still"
    parts = ["Samples", f"step {history.step:,}, {state}", WHEN[desk.again]]
    return " · ".join(filter(None, parts))


def drawing_text(desk: Desk, history: History) -> str:
    """The arguments of the drawing that is shown, and which of the drawings it is."""
    if desk.series is None:
        return "Fill in what you like, and draw: Enter, or s"
    known = all_series(history.samples)
    text = desk.series.told()
    if len(known) > 1:
        text += f" · {known.index(desk.series) + 1:,} of {len(known):,} drawings"
    return text


def names_title(desk: Desk, *, alone: bool = False) -> str:
    """`Names, step 3,000 · lowest loss first`, and where the other panes are if it stands alone."""
    parts = ["Names" if desk.drawn is None else f"Names, step {desk.drawn.step:,}"]
    if desk.order != "drawn":
        parts.append(desk.order)
    if alone:
        parts.append("Tab: step by step, kept")
    return " · ".join(parts)


def kept_title(desk: Desk) -> str:
    """`★ Kept, 3`."""
    return f"{STAR} Kept, {len(desk.kept):,}" if len(desk.kept) else f"{STAR} Kept"


def name_text(name: Favourite | None, desk: Desk) -> str:
    """A name in full, where it stands, its loss and step."""
    if name is None:
        return ""
    parts = [f"{told(name.name)}: {SENTENCES[desk.marks.of(name.name)]}"]
    if name.loss is not None:
        parts.append(f"{figure(name.loss).strip()} nats/symbol")
    parts.append(f"step {name.step:,}")
    if name.name in desk.kept:
        parts.append(f"{STAR} kept")
    return " · ".join(parts)


def copied_text(names: Sequence[str]) -> str:
    """What was copied."""
    what = told(names[0]) if len(names) == 1 else f"{len(names):,} names"
    return f"✓ copied {what}, {COPIED}"
