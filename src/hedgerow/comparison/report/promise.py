"""What the report says of privacy: the promise, who is trusted, and what is not covered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hedgerow.comparison.report.wording import (
    NO_BREAK,
    NOTHING,
    count,
    counted,
    interval,
    megabytes,
    metric,
    seconds,
)
from hedgerow.privacy.wording import LIARS, beyond, per

MAKERS = {
    "server": "added by the server",
    "clients": "of which every client adds its share",
    "servers": "all of which each of the two servers adds",
}
MECHANISMS = {"gaussian": "Gaussian", "skellam": "Skellam"}
SECURED = {
    "none": "not secured: the server adds up terms that it sees",
    "pairwise": "secured by masks between clients (pairwise)",
    "split": "secured between two servers (split)",
}


@dataclass(frozen=True)
class Trust:
    """What one party learns, and what is assumed of it."""

    who: str
    learns: str
    assumed: str


def figure(value: float | None) -> str:
    """Write a number with four significant digits, or all that are before the point."""
    if value is None:
        return NOTHING
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def small(value: float | None) -> str:
    """Write a delta."""
    return NOTHING if value is None else f"{value:.2g}"


def shown(privacy: dict[str, Any]) -> bool:
    """Say whether there is anything to tell."""
    asked = privacy["curve"] is not None or privacy["audit"] is not None
    return privacy["unit"] is not None or privacy["secure"] != "none" or asked


def promise(privacy: dict[str, Any]) -> str:
    """Say in one sentence what the federated training promises."""
    if privacy["unit"] is None:
        how = SECURED[privacy["secure"]]
        return (
            f"No differential privacy is promised: sums are {how}, but what they open is exact."
            if privacy["secure"] != "none"
            else "No differential privacy is promised, and sums are not secured."
        )
    unit = privacy["unit"]
    return (
        f"The federated model is differentially private with epsilon "
        f"{figure(privacy['epsilon'])} at delta {small(privacy['delta'])}: whether any one {unit}, "
        f"with all its data, is there or not (add or remove) makes no outcome more than "
        f"e{NO_BREAK}to the power of epsilon times as likely, but for delta. {holds_for(privacy)}"
        f"It is kept by clipping each {unit}’s term and by "
        f"{MECHANISMS[privacy['mechanism']]} noise, {MAKERS[privacy['noise_by']]}, in "
        f"{counted(privacy['releases'], 'release')}."
    )


def holds_for(privacy: dict[str, Any]) -> str:
    """Say at how many clients a user may be for the promise to hold."""
    unit, most = privacy["unit"], privacy["clients_per_person"]
    less = beyond(unit, most)
    return f"This holds per {per(unit, most)}. {less} " if less else ""


def sampling(privacy: dict[str, Any]) -> str:
    """Say what is assumed about who takes part."""
    return (
        "Sampling: nothing is claimed for it. Whoever takes part is charged every release in "
        f"full, for no client draws a secret coin. Accountant: {privacy['accountant']}."
    )


def trust(facts: dict[str, Any]) -> tuple[Trust, ...]:
    """Say who learns what under the run's mode, and what is assumed of each."""
    privacy, policy = facts["privacy"], facts["privacy"]["policy"]
    private, fewest = privacy["unit"] is not None, counted(policy["minimum"], "client")
    kind = "noised" if private else "exact"
    model = "the released sums and the model made of them"
    anyone = Trust(
        "Whoever sees the model",
        f"{model}, under the promise above" if private else f"{model}, which are exact",
        "nothing" if private else "that exact sums tell it nothing it should not know",
    )
    if privacy["secure"] == "none":
        what = "every client’s clipped term, before it adds the noise"
        server = Trust("The server", what, "keeps the terms to itself, and adds the noise")
        return server, anyone
    opened = f"the {kind} sum of each step, of {fewest} at least"
    if privacy["secure"] == "pairwise":
        share, lost = (_percent(policy[name]) for name in ("adversaries", "dropouts"))
        follows = (
            "may lie about who takes part"
            if policy["semi_malicious"]
            else "follows the protocol, though it is curious"
        )
        makers = ", and the noise of the honest ones alone keeps the promise" if private else ""
        return (
            Trust(
                "The server, with clients that collude",
                f"only {opened}, and what the colluding clients hold themselves",
                f"the server {follows}; at most {share} of the clients asked collude with it "
                f"and at most {lost} vanish{makers}",
            ),
            Trust("Other clients", "nothing of a client’s term", "as above"),
            anyone,
        )
    adds = "; adds all the noise by itself" if private else ""
    return (
        Trust(
            "The coordinator",
            f"masked terms, and {opened}",
            f"does not collude with the helper{adds}",
        ),
        Trust(
            "The helper",
            "seeds of masks, and the masks’ sum",
            f"does not collude with the coordinator{adds}",
        ),
        Trust("Both together", "every client’s term", "are run by different parties"),
        anyone,
    )


def not_covered(facts: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Say what the promise leaves out: a heading and a sentence each."""
    privacy = facts["privacy"]
    if privacy["unit"] is None:
        return ()
    unit, seed = privacy["unit"], privacy["noise_seed"]
    several = "A person with several accounts is several users." if unit == "user" else ""
    figures = (
        "quality, intervals, examples, costs, the other contenders and any curve or audit, are the "
        "simulator’s own measurements of the unprotected data. They cost no budget because a "
        "federation would not release them; do not publish them as private."
    )
    noise = (
        "was drawn from a secret of the run’s own, kept only until the run was finished."
        if seed is None
        else f"was drawn from a seed ({seed}), so that it can be repeated. Whoever guesses the "
        "seed can draw it again and take it out: do not publish this model."
    )
    settings = (
        "such as hyper-parameters, clip and number of rounds were not chosen privately; if they "
        "were picked by looking at these data, that is not paid for."
    )
    traffic = (
        "that a client takes part, when, how long it takes and how large its messages are, is not "
        "hidden."
    )
    runs = (
        "on the same data add up, and each has a budget of its own unless they share a ledger "
        f"(--ledger). {several}"
    )
    return (
        ("The other figures on this page:", figures),
        ("The noise", noise),
        ("Settings", settings),
        ("Traffic:", traffic),
        ("Lying clients:", LIARS),
        ("Other runs", runs.strip()),
    )


def curve_note(privacy: dict[str, Any]) -> str:
    """Say how the curve was made."""
    curve = privacy["curve"]
    seeds = counted(len(curve["seeds"]), "seed")
    central = (
        " The server adds the noise here, whatever secures the run’s own sums."
        if privacy["secure"] != "none"
        else ""
    )
    between = (
        f" Bars are 95{NO_BREAK}% intervals of the mean over seeds (Student’s t); they say how "
        "much chance there is in training and noise, not in which users were judged."
        if len(curve["seeds"]) > 1
        else ""
    )
    return (
        f"The same model, trained anew for {seeds} under each epsilon at delta "
        f"{small(curve['delta'])}, and without clipping and noise.{central}{between} None of these "
        "models is released, so no ledger on disk is charged for them."
    )


def curve_columns(facts: dict[str, Any]) -> tuple[str, ...]:
    """Return the headings of the table by epsilon."""
    k = facts["protocol"]["k"]
    between = f"95{NO_BREAK}% interval"
    quality = f"NDCG@{k}", between, f"Hit rate@{k}", between
    return "Epsilon", *quality, "Noise / sensitivity, whole run"


def curve_rows(facts: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Return the rows of the table by epsilon, without noise first."""
    curve, k = facts["privacy"]["curve"], facts["protocol"]["k"]
    named = [("without noise", 0.0, curve["without_noise"])]
    named += [(figure(p["epsilon"]), p["noise_multiplier"], p["metrics"]) for p in curve["points"]]
    return tuple(
        (
            name,
            *(
                text
                for measure in (f"ndcg@{k}", f"hr@{k}")
                for text in (
                    metric(found[measure]["mean"], 4),
                    interval(found[measure]["interval"], 4) or NOTHING,
                )
            ),
            figure(multiplier) if multiplier else NOTHING,
        )
        for name, multiplier, found in named
    )


def cost_rows(privacy: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Return the rows of the table of costs: step, sums, times and bytes of one sum."""
    return tuple(
        (
            cost["step"],
            count(cost["sums"]),
            seconds(cost["plain_seconds"]),
            seconds(cost["seconds"]),
            ratio(cost["seconds"], cost["plain_seconds"]),
            seconds(cost["seconds_as_run"]),
            megabytes(cost["plain_bytes"]),
            megabytes(cost["bytes_up"]),
        )
        for cost in privacy["costs"]
    )


def cost_note(privacy: dict[str, Any]) -> str:
    """Say how the costs were measured."""
    if privacy["secure"] == "none":
        return (
            "Training was begun again with plain sums. Where these are short, both were made in "
            "turns, with the ledger charged beforehand; where they are long, private is as run: a "
            "round of the run itself, with the accounting of its releases and the server’s update. "
            "A clip that has to be found takes a second sum, which is counted."
        )
    return (
        "The plain sum was made after the run; the secured one is a round of the run itself, with "
        "its accounting and the server’s update. All parties share one machine: a client’s own "
        "part is about the time over the number of clients. Bytes are those of the protocol’s "
        "messages."
    )


def ratio(value: float, reference: float) -> str:
    """Write how many times as much a value is."""
    times = value / max(reference, 1e-9)
    return f"{times:,.{0 if times >= 100 else 1}f}{NO_BREAK}×"


def release_rows(privacy: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Return the rows of the table of releases."""
    return tuple(
        (
            entry["step"],
            f"{MECHANISMS[entry['mechanism']]}, by the {entry['noise_by']}",
            figure(entry["noise_multiplier"]),
            figure(entry["bound"]),
            figure(entry["sigma"]),
            figure(entry["epsilon"]),
        )
        for entry in privacy["ledger"]
    )


AUDITS = {
    "epsilon_claimed": "Epsilon claimed",
    "epsilon_lower_bound": "Epsilon shown at least, by canaries",
    "membership_auc": "Membership of an interaction, AUC",
    "server_view_auc": "The same for a server that sees terms, AUC",
    "delta": "Delta",
    "canaries": "Canaries",
    "confidence": "Confidence of the lower bound",
    "wire_findings": "Findings in messages",
}


def audit_rows(audit: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the figures of an audit; one that it does not have is left out."""
    rows = []
    for name, label in AUDITS.items():
        value = audit.get(name)
        if isinstance(value, dict):
            value = value.get("count")
        if isinstance(value, list):
            value = len(value)
        if value is not None:
            written = _percent(value) if name == "confidence" else figure(float(value))
            rows.append((label, small(value) if name == "delta" else written))
    return tuple(rows)


def verdict_rows(audit: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Return each audit, whether it passed, and what that means."""
    words = {True: "passed", False: "failed"}
    return tuple(
        (name, words[verdict["passed"]], verdict["sentence"])
        for name, verdict in audit["verdicts"].items()
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g}{NO_BREAK}%"
