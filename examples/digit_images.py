"""Writes scikit-learn's first 360 handwritten digits as PNG files, the digit in the path.

A picture is 8 by 8 pixels of grey from 0 (paper) to 240 (ink): the data set's 0 to 16, times 15. By rule, the
n-th arrives on day n mod 6, from 2024-01-01 on.
"""

from __future__ import annotations

import struct
import zlib
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from examples.files import write_if_changed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FIRST_DAY: Final = date(2024, 1, 1)
DAYS: Final = 6
PICTURES: Final = 360
SCALE: Final = 15


def prepare(raw: Path) -> None:
    """Write the absent days to `digit_images`: `date=2024-01-01/<digit>/<number in the data set>.png`."""
    folders = {
        place: raw / "digit_images" / f"date={FIRST_DAY + timedelta(days=place)}" for place in range(DAYS)
    }
    absent = {place: folder for place, folder in folders.items() if not _whole(folder, place)}
    if not absent:
        return
    from sklearn.datasets import load_digits

    data = load_digits()
    for place, folder in absent.items():
        for number in numbers(place):
            path = folder / str(data.target[number]) / f"{number:04}.png"
            if not path.is_file():
                write_if_changed(path, png((data.images[number] * SCALE).astype(int).tolist()))


def numbers(place: int) -> range:
    """Return the pictures of a day, by their place in the data set."""
    return range(place, PICTURES, DAYS)


def png(rows: Sequence[Sequence[int]]) -> bytes:
    """Return a grey picture as a PNG file: 8 bits a pixel, as https://www.w3.org/TR/png-3/ has it.

    Args:
        rows: from the top, all of one length; 0 to 255 a pixel.
    """
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    # Each row is led by its filter: 0, none.
    lines = b"".join(b"\0" + bytes(row) for row in rows)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def _whole(folder: Path, place: int) -> bool:
    return len(list(folder.glob("*/*.png"))) >= len(numbers(place))
