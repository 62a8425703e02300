"""What stands above and below the embedding map, in words."""

from __future__ import annotations

from tui.embedding.choosing import Typed
from tui.embedding.embeddings import Embeddings


def state_text(embeddings: Embeddings, *, running: bool) -> str:
    """Of what step the map is, and how much of the table it shows."""
    if embeddings.step is None:
        return f"✗ {embeddings.reason}" if embeddings.reason else "asking the engine …"
    count, known, size = embeddings.count, len(embeddings.symbols.itos), embeddings.size
    text = f"step {embeddings.step:,}, {'training' if running else 'paused'}"
    share = f" · {embeddings.share:.0%} of the variance shown" if size > 2 else ""
    dimensions = f"{size:,} dimension{'' if size == 1 else 's'}"
    # A large table is told in part.
    some = f"the {count:,} most frequent of " if count < known else ""
    if embeddings.symbols.words:
        text += f" · {some}{known:,} words · {dimensions}{share}"
    else:
        text += f"{share} · {some}{known:,} symbols in {dimensions}"
    if embeddings.zoom:
        text += f" · zoom ×{2**embeddings.zoom}"
    return f"{text} · ✗ {embeddings.reason}" if embeddings.reason else text


def hint(embeddings: Embeddings, typed: Typed, *, wide: bool) -> str:
    """The keys. What was typed of a word stands first: there is no other field for it."""
    if typed.missed:
        return f"{typed.missed}▏ no word of the map begins so · Escape leaves"
    if typed.count:
        begin = "word begins" if typed.count == 1 else "words begin"
        return f"{typed.text}▏ {typed.count:,} {begin} so · Tab: the next · Escape leaves"
    planes = ("first two dimensions", "principal axes") if wide else ("dimensions", "axes")
    switch = f" · Enter: {planes[not embeddings.principal]}" if embeddings.size > 2 else ""
    if embeddings.symbols.words:
        follow = "type a word, or ← → ↑ ↓: follow it" if wide else "type, ← → ↑ ↓: follow"
        return f"{follow} · + - zoom{switch} · Escape leaves"
    follow = "type a symbol, or ← →: follow it" if wide else "type, ← →: follow"
    return f"{follow} · ↑ ↓ zoom{switch} · Escape leaves"
