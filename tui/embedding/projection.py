"""The plane in which an embedding table is looked at, and who is near whom in the full space.

Numbers only. A plane is found anew for every table; it follows the one before, so that the picture
of a model that trains moves as the weights do, and never flips.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.smoothing import Doubles, Floats

TURN = math.radians(3)
"""How far the axes turn, from one table to the next, towards the principal ones in their plane."""

_EXACT, _EXACT_OF_MANY = 2_000_000, 20_000_000
"""Multiplications, about, above which the components are looked for step by step, frame by frame:
the screen must not wait for them. Of many rows only products are summed, which is far faster."""
_BLOCK, _ROUNDS_AT_FIRST, _ROUNDS = 8, 30, 4

Flags = NDArray[np.bool_]

# Shapes: V vocab_size, E embedding_size


@dataclass(frozen=True, eq=False)
class Plane:
    """Two directions in the space of the embeddings."""

    axes: Doubles
    """(2, E), at right angles; with E = 1 the second is 0."""
    centre: Doubles
    """(E,): what lies in the middle of the plane."""
    shares: tuple[float, float]
    """Of the variance, 0 to 1, along each axis."""
    principal: bool
    """Whether these are principal axes, and not the first two dimensions."""

    def project(self, table: Floats | Doubles) -> Doubles:
        """Where each row lies (rows, 2); NaN for one that is not finite."""
        return (np.where(finite(table)[:, None], table, np.nan) - self.centre) @ self.axes.T


def finite(table: Floats | Doubles) -> Flags:
    """Which rows are finite throughout."""
    return np.asarray(np.isfinite(table).all(1))


def first_two(table: Floats) -> Plane:
    """The plane of the first two dimensions."""
    size = table.shape[1]
    centred, _ = _centred(table)
    axes = np.zeros((2, size))
    axes[range(min(size, 2)), range(min(size, 2))] = 1.0
    return Plane(axes, np.zeros(size), _shares(centred, axes), principal=False)


def principal(table: Floats, before: Plane | None = None) -> Plane:
    """The plane of the first two principal components of the centred table, E > 1.

    Signs and order are those nearest to `before`: the axes are turned onto it within the plane
    (Procrustes), and from there at most by TURN towards the components themselves.
    """
    centred, centre = _centred(table)
    axes = _components(centred, None if before is None else before.axes)
    if before is None:
        largest = np.abs(axes).argmax(1)
        axes *= np.where(axes[range(2), largest] < 0, -1.0, 1.0)[:, None]
    else:
        axes = _following(axes, before.axes)
    return Plane(axes, centre, _shares(centred, axes), principal=True)


def _centred(table: Floats) -> tuple[Doubles, Doubles]:
    known = table[finite(table)].astype(np.float64)
    centre = known.mean(0) if len(known) else np.zeros(table.shape[1])
    return known - centre, centre


def _shares(centred: Doubles, axes: Doubles) -> tuple[float, float]:
    total = float((centred**2).sum())
    along = ((centred @ axes.T) ** 2).sum(0) / total if total > 0 else np.zeros(2)
    return float(along[0]), float(along[1])


def _components(centred: Doubles, before: Doubles | None) -> Doubles:
    """The first two (2, E), the larger variance first; of a large table, nearly so."""
    rows, size = centred.shape
    if rows < 2:
        return np.eye(2, size)
    # Squares of what is far above or below 1 would leave the range of the numbers.
    scaled = centred / (np.abs(centred).max() or 1.0)
    many = rows > 2 * size
    if scaled.size * min(rows, size) > (_EXACT_OF_MANY if many else _EXACT):
        scaled = _reduced(scaled, before)
    elif many:
        return np.linalg.eigh(scaled.T @ scaled)[1][:, :-3:-1].T.copy()
    return np.asarray(np.linalg.svd(scaled, full_matrices=False)[2][:2])


def _reduced(centred: Doubles, before: Doubles | None) -> Doubles:
    """A few rows that span nearly the space of the first components (subspace iteration)."""
    block = np.random.default_rng(0).normal(size=(_BLOCK, centred.shape[1]))
    rounds = _ROUNDS_AT_FIRST
    if before is not None:
        block[:2], rounds = before, _ROUNDS
    for _ in range(rounds):
        block = np.linalg.qr(centred.T @ (centred @ block.T))[0].T
    left, strength, _ = np.linalg.svd(block @ centred.T, full_matrices=False)
    return np.asarray((left * strength).T @ block)


def _following(components: Doubles, before: Doubles) -> Doubles:
    left, _, right = np.linalg.svd(before @ components.T)
    turned = left @ right
    # The nearest quarter turn or reflection has the components themselves for its axes.
    straight = np.abs(np.diag(turned)).sum() >= np.abs(np.diag(turned[::-1])).sum()
    quarter = np.sign(turned) * (np.eye(2) if straight else np.eye(2)[::-1])
    rest = turned @ quarter.T
    angle = math.atan2(rest[1, 0], rest[0, 0])
    kept = math.copysign(max(abs(angle) - TURN, 0.0), angle)
    cosine, sine = math.cos(kept), math.sin(kept)
    return np.asarray(np.array(((cosine, -sine), (sine, cosine))) @ quarter @ components)


@dataclass(frozen=True)
class Neighbours:
    """The rows nearest to one of them in all E dimensions, the nearest first."""

    by_cosine: tuple[tuple[int, float], ...] = ()
    """Row, and the cosine of the angle between the two embeddings (from the origin)."""
    by_distance: tuple[tuple[int, float], ...] = ()
    """Row, and the Euclidean distance."""


def neighbours(table: Floats, row: int, count: int = 5) -> Neighbours:
    """Of `row`, `count` by each measure; what is not finite, or 0 and so without angle, is none."""
    wide = table.astype(np.float64)
    here = wide[row]
    others = finite(table) & (np.arange(len(table)) != row)
    if not np.isfinite(here).all():
        return Neighbours()
    lengths = np.sqrt((wide**2).sum(1))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = np.where(others, wide @ here / (lengths * lengths[row]), np.nan)
        distances = np.where(others, np.sqrt(((wide - here) ** 2).sum(1)), np.nan)
    return Neighbours(_first(-cosines, cosines, count), _first(distances, distances, count))


def _first(order: Doubles, values: Doubles, count: int) -> tuple[tuple[int, float], ...]:
    """Rows and values in rising `order`, without those that are NaN (which sort last)."""
    rows = np.argsort(order, kind="stable")[:count].tolist()
    return tuple((row, float(values[row])) for row in rows if not math.isnan(values[row]))
