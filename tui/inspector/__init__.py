"""The inspector without Textual: what it asks, the odds, the walk through a word."""
