"""The map of the symbols without Textual: what the engine told, projected, placed and drawn."""
