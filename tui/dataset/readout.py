"""What is said of the pair under the cursor, and of the part of the table that is shown."""

from __future__ import annotations

import math

from tui.dataset.heatmap import PairView, Picture
from tui.dataset.rows import share_text


def pair_text(view: PairView) -> str:
    """Two lines: how often the pair stands in train, and its odds by the bigram model."""
    pairs, texts = view.pairs, view.symbols.texts
    first, second = (texts[int(pairs.symbols[place])] for place in (view.first, view.second))
    count, total = int(pairs.counts[view.first, view.second]), int(pairs.totals[view.first])
    odds = float(pairs.odds[view.first, view.second])
    begins, ends = pairs.symbols[view.first] == 0, pairs.symbols[view.second] == 0
    aside = ""
    if begins != ends:
        aside = f" ({second} begins a word)" if begins else f" ({first} ends a word)"
    share = share_text(odds) if odds >= 0.0005 else f"{100 * odds:.1g} %"
    return (
        f"{first} → {second}  {count:,} of the {total:,} pairs in train that begin with {first}"
        f"{aside}\n"
        f"P({second} | {first}) = ({count:,} + 1) / ({total:,} + {pairs.vocab_size:,})"
        f" = {share} · surprise {-math.log(odds):.2f} nats"
    )


def part_text(view: PairView, picture: Picture) -> str:
    """Which symbols are shown, where that is not all."""
    K, V = len(view.pairs.symbols), view.pairs.vocab_size
    told = "" if view.pairs.is_whole else f"the {K:,} most frequent of {V:,} symbols"
    if picture.is_cut and min(picture.shown):
        rows, columns = picture.shown
        top, left = (at + 1 for at in picture.corner)
        ordered = told or "most frequent first"
        parts = [
            f"{name} {start:,}-{start + count - 1:,}"
            for name, start, count in (("rows", top, rows), ("columns", left, columns))
            if count < K
        ]
        told = f"{', '.join(parts)} of {K:,}, {ordered}"
    return told
