"""The engine of steermore: data, mathematics, the recorded run, and the process that serves it."""

__version__ = "0.1.0"
