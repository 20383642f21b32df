"""What the report and the console look like: colours and type as CSS custom properties, and plots.

`uPlot` is vendored from its npm package, version 1.6.32, with its licence.
"""

from __future__ import annotations

from importlib import resources


def asset(name: str) -> str:
    """Return a file of this package, such as ``tokens.css``."""
    return resources.files(__name__).joinpath(name).read_text("utf-8")
