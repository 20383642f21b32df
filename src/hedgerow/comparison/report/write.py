"""Putting the report together: one file with its style, its script and its data inside."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, UndefinedError

from hedgerow.comparison.as_json import as_json
from hedgerow.comparison.report import bars, curves, promise, wording
from hedgerow.comparison.report.rows import main_table
from hedgerow.comparison.result import Comparison
from hedgerow.errors import DataError
from hedgerow.look import asset

PACKAGE = "hedgerow.comparison.report"


def write_report(comparison: Comparison, path: str | Path) -> None:
    """Write a comparison as one HTML file that loads nothing.

    Parameters
    ----------
    comparison
        What was found.
    path
        Where the file goes; its folder is made if missing.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render(as_json(comparison)), "utf-8")


def add_audit(figures: Path, report: Path, audit: dict[str, Any]) -> bool:
    """Put what an audit found into a comparison's figures, and write its report anew.

    An audit of another model, of other data or under another policy, or one that left out noise or
    masks, is not put there; the return value tells.

    Parameters
    ----------
    figures
        The comparison's JSON file.
    report
        Where the page goes.
    audit
        The audit's JSON.

    Raises
    ------
    DataError
        The file is not a comparison's.
    """
    try:
        facts = json.loads(figures.read_text("utf-8"))
        same = facts["model"] == audit["model"]
        same &= facts["data"]["users"] == audit["data"]["users"]
        same &= facts["privacy"]["policy"] == audit["policy"]
        if not (same and audit["noise"] and audit["masks"]):
            return False
        facts["privacy"]["audit"] = audit
        page = render(facts)
    except (ValueError, KeyError, TypeError, UndefinedError) as error:
        raise DataError(
            f"{figures} is not what hedgerow simulate writes; simulate again or change --out."
        ) from error
    report.write_text(page, "utf-8")
    figures.write_text(json.dumps(facts, indent=2, allow_nan=False) + "\n", "utf-8")
    return True


def render(facts: dict[str, Any]) -> str:
    """Return the page of a comparison's JSON.

    Script runs only if its digest is in the page's content security policy, so a title that got
    past the escaping still could not.
    """
    environment = Environment(
        loader=PackageLoader(PACKAGE, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "metric": wording.metric,
        "count": wording.count,
        "title_of": wording.DRAWN.__getitem__,
    }
    # The licence asks that its text goes with every copy of the plotting library.
    plotting = f"/*\n{asset('uPlot.LICENSE')}*/\n{asset('uPlot.iife.min.js')}"
    scripts = [plotting, _asset("charts.js")]
    rounds, sent = curves.round_charts(facts), curves.bytes_chart(facts)
    charts, by_epsilon = [*rounds, *([sent] if sent else [])], curves.epsilon_charts(facts)
    panels, bias = bars.bias_bars(facts)
    return environment.get_template("template.html").render(
        facts=facts,
        words=wording,
        contenders=wording.contenders(facts),
        groups=main_table(facts),
        ndcg=bars.intervals(facts),
        tax=bars.tax_track(facts),
        charts=charts,
        epsilon_charts=by_epsilon,
        privacy=facts["privacy"],
        promise=promise,
        trust=[(party.who, party.learns, party.assumed) for party in promise.trust(facts)],
        one_round=len(curves.watched(facts)) == 1,
        sampled_curve=_differs(facts),
        panels=panels,
        bias=bias,
        styles=[asset("uPlot.min.css"), asset("tokens.css"), _asset("style.css")],
        scripts=scripts,
        digests=[_digest(script) for script in scripts],
        chart_data=_embedded([chart.data for chart in (*charts, *by_epsilon)]),
        json_link=_json_link(facts),
    )


def _asset(name: str) -> str:
    return resources.files(PACKAGE).joinpath(name).read_text("utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _embedded(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in."""
    return json.dumps(value).replace("<", "\\u003c")


def _json_link(facts: dict[str, Any]) -> str:
    text = json.dumps(facts, ensure_ascii=False, indent=2)
    return f"data:application/json;base64,{base64.b64encode(text.encode()).decode()}"


def _differs(facts: dict[str, Any]) -> bool:
    """Say whether the curve was measured on other users or interactions than the table."""
    rounds, name = curves.watched(facts), f"ndcg@{facts['protocol']['k']}"
    return bool(rounds) and rounds[-1]["quality"][f"full/{name}"] != facts["metrics"]["full"][name]
