"""From a matplotlib figure to SVG within a page: text that is text, colours that follow the page's."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from vintage.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.axes import Axes

# Colours that matplotlib draws with, each put in place of by one that a page may redefine. They are
# distinguished by their values alone, so that none is one that matplotlib would use by itself.
INK: Final = "#010203"
GRID: Final = "#040506"
SERIES: Final = ("#0a0b0c", "#0d0e0f", "#101112")
_IN_PLACE_OF: Final[Mapping[str, str]] = {
    INK: "currentColor",
    GRID: "var(--grid, #b0b0b0)",
    SERIES[0]: "var(--series-1, #0b6bcb)",
    SERIES[1]: "var(--series-2, #b45309)",
    SERIES[2]: "var(--series-3, #6d28d9)",
}
# Inches, at 72 points each: as wide as a narrow telephone, so that the text is read there too.
WIDTH: Final = 4.4
HEIGHT: Final = 3.1
_SVG: Final = "http://www.w3.org/2000/svg"
_LINK: Final = "http://www.w3.org/1999/xlink"
_FONT: Final = re.compile(r" font-family: [^;]*;| font-family: [^;]*$")
_REFERENCE: Final = re.compile(r"url\(#([^)]+)\)")
_STYLE: Final[Mapping[str, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "vintage",
    "font.family": "sans-serif",
    "font.size": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    # Names are data: two dollar signs in one make no formula.
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": GRID,
    "grid.alpha": 0.4,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
}


@dataclass(frozen=True)
class Picture:
    """A picture of a report.

    Attributes:
        name: of its file, and the beginning of each id in it.
        title: what it is.
        description: what one would say of it to somebody who does not see it.
        svg: to stand within a page; `file_text` is that of a file of its own.
    """

    name: str
    title: str
    description: str
    svg: str

    @property
    def file_text(self) -> str:
        """The picture by itself: dark on white, wherever it is shown."""
        style = "<style>svg { background: #fff; color: #1c1c1c; font-family: sans-serif }</style>"
        return '<?xml version="1.0" encoding="utf-8"?>\n' + self.svg.replace(">", f">{style}", 1) + "\n"


class Canvas:
    """One picture in the making: `axes` to draw on, then `picture`."""

    def __init__(self, *, height: float = HEIGHT) -> None:
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(WIDTH, height), layout="constrained")
        self.axes: Axes = self.figure.add_subplot()

    def picture(self, name: str, title: str, description: str) -> Picture:
        """Return what was drawn."""
        from matplotlib.backends.backend_svg import FigureCanvasSVG

        text = io.BytesIO()
        # A figure that no pyplot knows has no state to leave behind.
        FigureCanvasSVG(self.figure).print_svg(text, metadata={"Date": None})  # type: ignore[no-untyped-call]
        return Picture(name, title, description, _inline(text.getvalue(), name, title, description))


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Within it, figures are made in the style of the reports."""
    import matplotlib as mpl

    style: Any = dict(_STYLE)
    with mpl.rc_context(style), warnings.catch_warnings():
        # The page's font draws the text; matplotlib's own only tells how much room it takes.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def _inline(svg: bytes, name: str, title: str, description: str) -> str:
    """Return the drawing with title, description, unique ids, and the width of its place."""
    ET.register_namespace("", _SVG)
    # What matplotlib has just written.
    root = ET.fromstring(svg)  # noqa: S314
    for outer in list(root.iter()):
        for inner in list(outer):
            # What matplotlib tells of itself, and a rule for all elements of the page.
            if inner.tag in {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"}:
                outer.remove(inner)
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                element.set(key, f"{name}-{value}")
            elif key == f"{{{_LINK}}}href":
                element.attrib.pop(key)
                element.set("href", value.replace("#", f"#{name}-", 1))
            elif key == "style":
                # The page's own font.
                element.set(key, _FONT.sub("", value))
            elif "url(#" in value:
                element.set(key, _REFERENCE.sub(rf"url(#{name}-\1)", value))
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt")
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-description")
    for place, (tag, words) in enumerate((("title", title), ("desc", description))):
        told = ET.Element(
            f"{{{_SVG}}}{tag}", {"id": f"{name}-{'title' if tag == 'title' else 'description'}"}
        )
        told.text = words
        root.insert(place, told)
    text = ET.tostring(root, encoding="unicode")
    for drawn, shown in _IN_PLACE_OF.items():
        text = text.replace(drawn, shown)
    return text


def shortened(text: str, most: int = 34) -> str:
    """Return a name that a picture has room for: its beginning and its end; nothing in it is hidden."""
    # A control character would end the drawing.
    text = printable(text)
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"
