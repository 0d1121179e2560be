"""Predicting the dynamics of a glass-forming liquid from its structure."""
