"""What a person can mend, as opposed to a mistake in the program."""

__all__ = ["Refusal"]


class Refusal(ValueError):  # noqa: N818 (no error of the program)
    """Refuses input or circumstances; its message names the rule, the value received and the way out."""
