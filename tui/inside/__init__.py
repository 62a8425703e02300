"""What stands inside the model, without Textual: the figures told, in words and in pictures."""
