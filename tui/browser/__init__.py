"""The dashboard in a browser, through textual-serve; loaded by `steermore serve` alone."""
