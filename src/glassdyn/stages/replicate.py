"""Stage `replicate`: isoconfigurational runs from middle frames."""

import json
from pathlib import Path

from glassdyn import params

__all__ = ["main"]


def main() -> None:
    """Write which samples were replicated, and how often."""
    runs = params.load().replicate.runs
    folder = Path("data/replicas")
    folder.mkdir(parents=True)
    (folder / "replicas.json").write_text(json.dumps({"runs": runs, "samples": {}}, indent=2) + "\n")


if __name__ == "__main__":
    main()
