"""Figures, each drawn from tables."""
