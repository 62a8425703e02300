"""The figures of every layer as rows of text, as many columns as there is room for."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from core.protocol import DiagnosticsTaken, LayerFigures
from tui.inside.readings import log_ratio, share

NONE = "-"
"""Stands where there is no number."""
NOISE = 1e-6
"""Below this share of the deviation a mean is rounding: those of W2 and b2 are 0 by nature, since
what softmax adds to one symbol it takes from others.
"""


class Column(NamedTuple):
    """Two words above, and a figure of each layer."""

    heads: tuple[str, str]
    width: int
    figure: Callable[[LayerFigures], str]


def figure(value: float | None, sign: str = "") -> str:
    """A number in at most eight cells, and sometimes none."""
    if value is None:
        return NONE
    if value == 0 or 1e-2 <= abs(value) < 1e4:
        return f"{value:{sign}.3g}"
    mantissa, _, exponent = f"{value:{sign}.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def _mean(layer: LayerFigures) -> str:
    mean, std = layer.gradient_mean, layer.gradient_std
    if mean is not None and std is not None and abs(mean) < NOISE * std:
        mean = 0.0
    return figure(mean, "+")


def _log(layer: LayerFigures) -> str:
    ratio = log_ratio(layer)
    return NONE if ratio is None else f"{ratio:.2f}"


WIDE: tuple[Column, ...] = (
    Column(("weight", "std"), 7, lambda layer: figure(layer.std)),
    Column(("weight", "norm"), 7, lambda layer: figure(layer.norm)),
    Column(("gradient", "mean"), 9, _mean),
    Column(("gradient", "std"), 9, lambda layer: figure(layer.gradient_std)),
    Column(("grad", "/data"), 8, lambda layer: figure(share(layer.gradient_std, layer.std))),
    Column(("update", "std"), 8, lambda layer: figure(layer.update_std)),
    Column(("update", "/data"), 8, lambda layer: figure(share(layer.update_std, layer.std))),
    Column(("log10", "of it"), 7, _log),
)
NARROW = (WIDE[0], WIDE[4], Column(("log10", "upd/data"), 9, _log))


def table(told: DiagnosticsTaken, width: int) -> list[str]:
    """Two rows of headings, and a row for each layer."""
    names = [f"{layer.name:<3}{'×'.join(map(str, layer.shape))}" for layer in told.layers]
    columns, lead = WIDE, max(map(len, names))
    if lead + sum(column.width for column in WIDE) > width:
        columns, names, lead = NARROW, [layer.name for layer in told.layers], 2
    rows = [
        " " * lead + "".join(f"{column.heads[line]:>{column.width}}" for column in columns)
        for line in (0, 1)
    ]
    for name, layer in zip(names, told.layers, strict=True):
        figures = (f"{column.figure(layer):>{column.width}}" for column in columns)
        rows.append(f"{name:<{lead}}" + "".join(figures))
    return rows
