"""Blocks of lines side by side: how a panel uses its width."""

from __future__ import annotations

from rich.text import Text


def beside(columns: list[list[Text]], width: int) -> list[Text]:
    """The columns side by side, each `width` cells wide with at least one blank at its end."""
    lines = []
    for row in range(max(map(len, columns))):
        line = Text()
        for column in columns:
            cell = column[row].copy() if row < len(column) else Text()
            cell.truncate(width - 1, pad=True)
            line.append_text(cell).append(" ")
        lines.append(line)
    return lines
