"""Predicting the dynamics of a glass-forming liquid from its structure."""

__all__: list[str] = []
