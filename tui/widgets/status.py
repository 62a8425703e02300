"""The line on top: which run this is, what it is doing, how far it is.

It fits itself to the width by leaving out whole pieces, the least needed first; the figures keep
their width, so that nothing trembles while they change.
"""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from tui.standing import Status
from tui.telling import compact, duration

STATES = {
    "loading": ("◌", "loading engine", "status--busy"),
    "silent": ("!", "engine not answering", "status--bad"),
    "gone": ("✗", "engine ended", "status--bad"),
    "resting": ("▪", "as it ended", "status--busy"),
    "going": ("◌", "going back", "status--busy"),
    "saving": ("◌", "saving…", "status--busy"),
    "training": ("▶", "training", "status--good"),
    "paused": ("‖", "paused", "status--busy"),
    "finished": ("✓", "finished", "status--good"),
}
"""What a state is called, and which component class colours it."""


class StatusLine(Widget):
    """One line of text, drawn from `status`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "status--brand",
        "status--good",
        "status--busy",
        "status--bad",
        "status--label",
        "status--figure",
    }

    DEFAULT_CSS = """
    StatusLine {
        dock: top;
        height: 1;
        padding: 0 1;
        background: $panel;
        text-wrap: nowrap;
        .status--brand { color: $text-primary; text-style: bold; }
        .status--good { color: $text-success; text-style: bold; }
        .status--busy { color: $text-warning; text-style: bold; }
        .status--bad { color: $text-error; text-style: bold; }
        .status--label { color: $text-muted; }
        .status--figure { color: $foreground; }
    }
    """

    status: reactive[Status] = reactive(Status())
    """What the engine last confirmed."""

    def render(self) -> Text:
        """The run at the left, its progress at the right, as much as fits."""
        width = self.size.width
        right = _fit(self._progress(), width, "  ")
        left = _fit(self._run(), width - right.cell_len - 2, " · ")
        gap = " " * max(width - left.cell_len - right.cell_len, 0)
        return Text.assemble(left, gap, right)

    def _run(self) -> list[tuple[int, Text]]:
        """Pieces with their rank: the higher, the sooner it is left out."""
        status = self.status
        parts = [
            (3, self._styled("steermore", "status--brand")),
            (1, self._styled(status.file, "status--figure")),
            (2, self._styled(status.model, "status--label")),
            (4, self._styled(f"{status.parameters:,} parameters", "status--label")),
        ]
        return [part for part in parts if part[1].plain]

    def _progress(self) -> list[tuple[int, Text]]:
        status = self.status
        glyph, name, style = STATES[status.state]
        state = self._styled(f"{glyph} {name}", style)
        # The word may change on every press of space: the figures must not jump.
        state.pad_right(max(10 - cell_len(state.plain), 0))
        if not status.limit:
            return [(0, state)]
        eta = "–" if status.eta is None else duration(status.eta)
        digits = len(f"{status.limit:,}")
        return [
            (0, state),
            (1, self._figure("step", f"{status.step:,}".rjust(digits))),
            (3, self._figure("", compact(status.speed).rjust(6), "steps/s")),
            (4, self._figure("epoch", f"{status.epoch:.1f}".rjust(5))),
            (2, self._figure("eta", eta.rjust(5))),
        ]

    def _figure(self, before: str, figure: str, after: str = "") -> Text:
        text = self._styled(f"{before} " if before else "", "status--label")
        text.append_text(self._styled(figure, "status--figure"))
        return text.append_text(self._styled(f" {after}" if after else "", "status--label"))

    def _styled(self, text: str, component: str) -> Text:
        return Text(text, self.get_component_rich_style(component))


def _fit(parts: list[tuple[int, Text]], width: int, joint: str) -> Text:
    """The parts joined, without those of the highest ranks that do not fit."""
    kept = list(parts)
    while kept and sum(text.cell_len for _, text in kept) + len(joint) * (len(kept) - 1) > width:
        kept.remove(max(kept, key=lambda part: part[0]))
    return Text(joint).join(text for _, text in kept)
