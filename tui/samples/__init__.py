"""The large view of samples without Textual: drawings side by side, marks, favourites, lines."""
