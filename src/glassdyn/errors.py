"""What a person can mend, as opposed to a mistake in the program."""

__all__ = ["GlassdynError"]


class GlassdynError(ValueError):
    """Refuses input or circumstances; its message names the rule, the value received and the way out."""
