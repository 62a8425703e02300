"""The lecture as a walk: chapters, and when one is done."""
