"""What a user says about files of other programs, in words: names of species, names of arrays."""

__all__ = ["parse_arrays", "parse_species"]

ARRAYS = ("positions", "species", "box", "ids", "images", "steps", "times")
"""What arrays of a NumPy file may mean."""


def parse_species(text: str) -> dict[str, int]:
    """Names in files -> 0 for A, 1 for B, from words such as 1=A,2=B; none from an empty text.

    Raises:
        ValueError: for other words.
    """
    pairs = [pair.partition("=") for pair in text.split(",")] if text else []
    if not all(name and kind in {"A", "B"} for name, _, kind in pairs):
        raise ValueError(f"each name is A or B, as in 1=A,2=B: got {text!r}")
    return {name: "AB".index(kind) for name, _, kind in pairs}


def parse_arrays(text: str) -> dict[str, str]:
    """Meanings -> names of arrays, from words such as positions=r,species=ptype; none from an empty text.

    Raises:
        ValueError: for other words.
    """
    pairs = [pair.partition("=") for pair in text.split(",")] if text else []
    if not all(meaning in ARRAYS and name for meaning, _, name in pairs):
        raise ValueError(
            f"names of arrays stand behind {', '.join(ARRAYS)}, as in positions=r,species=ptype: got {text!r}"
        )
    return {meaning: name for meaning, _, name in pairs}
