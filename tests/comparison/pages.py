"""Pages as tests see them: their elements, and what a real browser draws."""

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
WIDTHS = (375, 1200)

FRAMES = """<!doctype html><pre></pre><script>
const seen = (frame) => {
  const page = frame.contentDocument;
  const inked = (canvas) =>
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((v) => v);
  return {
    canvases: [...page.querySelectorAll("canvas")].map(inked),
    width: page.documentElement.scrollWidth,
    paper: getComputedStyle(page.body).backgroundColor,
  };
};
const frames = WIDTHS.map((width) => {
  const frame = document.createElement("iframe");
  frame.style = `display:block;border:0;height:2000px;width:${width}px`;
  frame.src = "REPORT";
  document.body.append(frame);
  return frame;
});
const tell = () => {
  document.querySelector("pre").textContent = JSON.stringify(frames.map(seen));
};
onload = () => setTimeout(tell, 500);
</script>"""


class Page(HTMLParser):
    """The elements of a page, and the text outside of scripts and styles."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.scripts, self.words = [], [], []
        self._inside = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside is None:
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


def seen_by_chromium(report, folder, *, dark):
    """Open a report in frames of several widths; return what they show and the console's lines."""
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium at {CHROMIUM}")
    page = folder / "frames.html"
    text = FRAMES.replace("WIDTHS", str(list(WIDTHS))).replace("REPORT", report.as_uri())
    page.write_text(text, "utf-8")
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--allow-file-access-from-files",
            "--enable-logging=stderr",
            "--virtual-time-budget=5000",
            f"--user-data-dir={folder / 'profile'}",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            "--window-size=1400,1000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    shown = re.search(r"<pre>(\[.*\])</pre>", done.stdout)
    assert shown, done.stderr
    return json.loads(shown[1]), [line for line in done.stderr.splitlines() if "CONSOLE" in line]
