"""Keeps pages on a journey as pictures for ``docs/desk.md``."""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

LARGEST_PICTURE_BYTES = 60_000


class Camera:
    """Keeps pages as small WebP pictures where DEEPPCOS_PICTURES names a folder."""

    def __init__(self) -> None:
        folder = os.environ.get("DEEPPCOS_PICTURES")
        self.folder = Path(folder) if folder else None

    def take(self, page: "Page", name: str) -> None:
        if self.folder is None:
            return
        from PIL import Image

        page.wait_for_timeout(400)
        whole = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        for quality in (80, 65, 50, 35):
            packed = io.BytesIO()
            whole.save(packed, "WEBP", quality=quality, method=6)
            if packed.tell() <= LARGEST_PICTURE_BYTES:
                break
        (self.folder / f"{name}.webp").write_bytes(packed.getvalue())

    def take_both(self, page: "Page", name: str) -> None:
        """The page in light and in dark."""
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            self.take(page, f"{name}-{scheme}")
