"""The learning-rate finder's screen without Textual: how a test stands, and its picture."""
