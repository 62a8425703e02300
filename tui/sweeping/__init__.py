"""The sweep screen: trials as a table, their settings side by side, which of them matter."""
