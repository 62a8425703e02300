"""Two themes of our own, for people who see colours otherwise, beside those of Textual.

The colours are those of Okabe and Ito (2008; Wong, Nature Methods 8:441, 2011), which stay apart
for every common kind of colour blindness. On white the bright ones are too faint to be seen, so
there the darker ones stand for them, and the green is darkened.
"""

from __future__ import annotations

from textual.theme import Theme

BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
VERMILLION, ORANGE, YELLOW, PURPLE = "#D55E00", "#E69F00", "#F0E442", "#CC79A7"
DARK_GREEN, DARK_PURPLE, DARK_VERMILLION, BLACK = "#006B4E", "#8C3D6B", "#A84600", "#1A1A1A"

SAFE = Theme(
    name="steermore-safe",
    primary=SKY,
    secondary=BLUE,
    warning=ORANGE,
    error=VERMILLION,
    success=GREEN,
    accent=YELLOW,
    foreground="#E8E8E8",
    background="#101214",
    surface="#181B1E",
    variables={"text-muted": "auto 70%"},
)
SAFE_LIGHT = Theme(
    name="steermore-safe-light",
    dark=False,
    primary=BLUE,
    secondary="#004F7D",
    warning=VERMILLION,
    error=DARK_VERMILLION,
    success=DARK_GREEN,
    accent=DARK_PURPLE,
    foreground=BLACK,
    background="#FAFAFA",
    surface="#F0F0F0",
    variables={"text-muted": "auto 75%"},
)
OURS = (SAFE, SAFE_LIGHT)
