"""What the screen knows of a run, fed by the engine's events alone."""
