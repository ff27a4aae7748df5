"""The page of a schedule that is open in a browser, as tests ask it."""

from __future__ import annotations

from typing import Any

from tests.report.chromium import Browser


class Page:
    """What a test asks of the page that is open."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def text(self, element: str) -> str:
        return str(self.browser.evaluate(f"document.getElementById('{element}').textContent"))

    def hidden(self, element: str) -> bool:
        return bool(self.browser.evaluate(f"document.getElementById('{element}').hidden"))

    def chart(self) -> dict[str, Any]:
        data = self.browser.evaluate("({...document.getElementById('gantt').dataset})")
        return {k: v if k == "view" else float(v) for k, v in data.items()}

    def box(self, element: str = "gantt") -> tuple[float, float, float, float]:
        found = self.browser.evaluate(
            f"(() => {{const r = document.getElementById('{element}').getBoundingClientRect();"
            "return [r.left, r.top, r.width, r.height]})()"
        )
        return found[0], found[1], found[2], found[3]

    def press(self, element: str) -> None:
        self.browser.evaluate(f"document.getElementById('{element}').click()")
        self.browser.settle()

    def filter(self, query: str) -> None:
        self.browser.evaluate(
            "(() => {const f = document.getElementById('filter');"
            f"f.value = {query!r}; f.dispatchEvent(new Event('input'))}})()"
        )
        self.browser.settle()

    def table(self) -> list[list[str]]:
        rows: list[list[str]] = self.browser.evaluate(
            "[...document.querySelectorAll('tbody tr')]"
            ".map(row => [...row.cells].map(cell => cell.textContent))"
        )
        return rows

    def point(self, time: float, row: float) -> tuple[float, float]:
        """Where a time meets the middle of a row, both on the screen (rows of one lane)."""
        left, top, width, _ = self.box()
        chart = self.chart()
        gutter = float(self.browser.evaluate(_GUTTER))
        share = (time - chart["from"]) / (chart["to"] - chart["from"])
        inner = width - 2 - gutter - 10
        y = top + 1 + 30 + (row + 0.5) * chart["lane"] - chart["scroll"]
        return left + 1 + gutter + share * inner, y


# The frame around the plot is the only vertical line that crosses the axis, so its column is found
# in the pixels of the axis: the first column there with the colour of the line.
_GUTTER = """(() => {
  const canvas = document.getElementById('gantt');
  const ratio = canvas.width / canvas.clientWidth;
  const row = canvas.getContext('2d').getImageData(0, 3, canvas.width, 1).data;
  for (let x = 20; x < canvas.width; x++) {
    if (Math.abs(row[4 * x] - row[4 * 10]) > 3) return (x + 1) / ratio;
  }
  return 0;
})()"""


def colours(browser: Browser, element: str = "gantt") -> set[tuple[int, int, int]]:
    """Frequent colours of a canvas."""
    flat = browser.evaluate(
        f"(() => {{const c = document.getElementById('{element}'), n = new Map();"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "for (let i = 0; i < d.length; i += 4) {const k = d[i] << 16 | d[i+1] << 8 | d[i+2];"
        "n.set(k, (n.get(k) || 0) + 1)} return [...n].filter(e => e[1] > 40).map(e => e[0])})()"
    )
    return {(value >> 16, value >> 8 & 255, value & 255) for value in flat}
