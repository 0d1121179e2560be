"""Numbers as a reader sees them: rounded, with their errors and a proper minus."""

__all__ = ["MISSING", "decimals", "interval", "percent", "significant", "with_error"]

MISSING = "–"
"""What stands in place of a number that a run has not got."""

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def decimals(number: float | None, digits: int = 3) -> str:
    """A number with so many digits behind the point."""
    return MISSING if number is None else _with_minus(f"{number:.{digits}f}")


def significant(number: float | None, digits: int = 3) -> str:
    """A number with so many digits in all: 14.6, 1000, 7.7 · 10⁻⁵."""
    if number is None:
        return MISSING
    mantissa, e, exponent = f"{number:.{digits}g}".partition("e")
    return _with_minus(mantissa) + (f" · 10{str(int(exponent)).translate(RAISED)}" if e else "")


def with_error(number: float | None, error: float | None, digits: int = 3) -> str:
    """A number and its standard error; alone where it has none."""
    written = decimals(number, digits)
    return written if number is None or error is None else f"{written} ± {error:.{digits}f}"


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """Both ends of an interval."""
    if low is None or high is None:
        return MISSING
    return f"[{decimals(low, digits)}, {decimals(high, digits)}]"


def percent(fraction: float | None) -> str:
    """A fraction in percent, whole."""
    return MISSING if fraction is None else _with_minus(f"{100 * fraction:.0f} %")


def _with_minus(written: str) -> str:
    return written.replace("-", "−") if written[:1] == "-" else written
