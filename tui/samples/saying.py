"""What the view of samples says in words: about a drawing, about a name, about what was done."""

from __future__ import annotations

from collections.abc import Sequence

from core.config import Level
from core.units import per_short, perplexity_text
from tui.history.history import History
from tui.samples.desk import Desk
from tui.samples.drawing import WHEN
from tui.samples.drawings import all_series
from tui.samples.kept import Favourite
from tui.samples.lines import figure
from tui.samples.marks import LEGEND, SENTENCES, STAR, told
from tui.samples.texts import NOUNS, counted, in_a_line

COPIED = "by the code OSC 52, which some terminals ignore"


def title_of(desk: Desk, history: History) -> str:
    """`Samples · step 48,200, training · drawn again at every evaluation`."""
    state = "training" if history.running and not history.finished else "standing still"
    parts = ["Samples", f"step {history.step:,}, {state}", WHEN[desk.again]]
    return " · ".join(filter(None, parts))


def legend(desk: Desk) -> str:
    """What the marks mean; a text stands in no split, so there it is only the star."""
    return LEGEND if desk.level == "character" else f"{STAR} kept"


def drawing_text(desk: Desk, history: History) -> str:
    """The arguments of the drawing that is shown, and which of the drawings it is."""
    if desk.series is None:
        return "Fill in what you like, and draw: Enter, or s"
    known = all_series(history.samples)
    text = desk.series.told()
    if desk.level == "word":
        text += f" · length {desk.series.max_length:,}"
    if len(known) > 1:
        text += f" · {known.index(desk.series) + 1:,} of {len(known):,} drawings"
    return text


def names_title(desk: Desk, *, alone: bool = False) -> str:
    """`Names, step 3,000 · lowest loss first`, and where the other panes are if it stands alone."""
    drawings = NOUNS[desk.level][1].capitalize()
    parts = [drawings if desk.drawn is None else f"{drawings}, step {desk.drawn.step:,}"]
    if desk.order != "drawn":
        parts.append(desk.order)
    if alone:
        parts.append("Tab: step by step, kept")
    return " · ".join(parts)


def kept_title(desk: Desk) -> str:
    """`★ Kept, 3`."""
    return f"{STAR} Kept, {len(desk.kept):,}" if len(desk.kept) else f"{STAR} Kept"


def name_text(name: Favourite | None, desk: Desk) -> str:
    """A name in full, where it stands, its loss and step; of a text how it begins, last."""
    if name is None:
        return ""
    parts = []
    if desk.level == "character":
        parts.append(f"{told(name.name)}: {SENTENCES[desk.marks.of(name.name)]}")
    if name.loss is not None:
        nats = f"{figure(name.loss).strip()} {per_short(desk.level)}"
        parts.append(f"{nats}{perplexity_text(name.loss, desk.level)}")
    parts.append(f"step {name.step:,}")
    if name.name in desk.kept:
        parts.append(f"{STAR} kept")
    if desk.level == "word":
        parts.append(in_a_line(name.name, desk.level))
    return " · ".join(parts)


def copied_text(names: Sequence[str], level: Level) -> str:
    """What was copied."""
    one = len(names) == 1 and level == "character"
    what = told(names[0]) if one else counted(len(names), level)
    return f"✓ copied {what}, {COPIED}"
