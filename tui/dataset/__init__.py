"""The view of the list without Textual: its figures, pairs and words, as rows and as cells."""
