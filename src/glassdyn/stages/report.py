"""Stage `report`: the page that shows the run, from its tables, numbers and pictures."""

from pathlib import Path

from glassdyn.jobs.atomic import atomic_write
from glassdyn.reporting.page import make_page
from glassdyn.stages import load_params, run

__all__ = ["main"]


def main() -> None:
    """Write report.html, which needs no other file."""
    page = make_page(Path(), load_params())
    with atomic_write(Path("report.html")) as part:
        part.write_text(page, "utf-8")


if __name__ == "__main__":
    run(main)
