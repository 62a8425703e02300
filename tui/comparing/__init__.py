"""The runs of a folder, listed and compared: what is no widget of that view."""
