"""The loss chart: what it shows, as values made from the history, and how that becomes cells."""
