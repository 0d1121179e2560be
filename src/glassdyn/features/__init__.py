"""The structure around every particle, as numbers."""
