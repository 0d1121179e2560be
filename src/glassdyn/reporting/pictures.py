"""Pictures of a run in the page itself: for readers without JavaScript, and where there is no chart."""

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image

__all__ = ["Picture", "embed", "list_pictures"]

WIDE = 1000
"""Pixels of a picture of several panels, which needs the width of the page."""

QUALITY = 75
"""Of WebP; a quarter of the size of PNG, and no difference to the eye."""


class Picture(NamedTuple):
    """A picture.

    Attributes:
        name: <stage>/<name>, without its ending.
        size: width and height, pixels.
        data: the picture as the address of an image.
    """

    name: str
    size: tuple[int, int]
    data: str

    @property
    def is_wide(self) -> bool:
        """Whether it needs the width of the page."""
        return self.size[0] > WIDE


def list_pictures(folder: Path) -> list[Picture]:
    """Embed every picture of plots/figures of a run, by name."""
    root = folder / "plots" / "figures"
    return [embed(path, str(path.relative_to(root).with_suffix(""))) for path in sorted(root.rglob("*.png"))]


def embed(path: Path, name: str) -> Picture:
    """Embed a picture."""
    buffer = BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(buffer, "WEBP", quality=QUALITY, method=2)
        size = image.size
    return Picture(name, size, f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}")
