"""What goes with an epsilon wherever one is shown: for whom it holds, and what it leaves out."""

from __future__ import annotations

from hedgerow.privacy.policy import Policy

LIARS = (
    "What is promised protects people, not the model: nothing proves yet that clients keep to the "
    "clip, and one client that lies can decide what a model recommends."
)


def per(unit: str, clients_per_person: int) -> str:
    """Return for whom an epsilon holds, to follow the word "per"."""
    if unit != "user":
        return unit
    return f"user at {'one client' if clients_per_person == 1 else f'{clients_per_person} clients'}"


def beyond(unit: str, clients_per_person: int) -> str:
    """Return a sentence on who is protected less; nothing where everybody is in one place."""
    if unit != "user":
        return ""
    most = "one client" if clients_per_person == 1 else f"{clients_per_person} clients"
    return f"A person who is at more than {most} is protected less."


def exact_sums(policy: Policy, runs: int, schedule: str) -> str:
    """Return what to beware of where sums are exact; nothing where an epsilon is promised.

    Parameters
    ----------
    policy, runs, schedule
        Of a task.
    """
    if policy.private:
        return ""
    told = "No epsilon is promised: two exact sums that differ by one client tell what it sent."
    if runs == 1 or schedule == "once":
        return f"{told} Run this once over the same clients; their guards refuse a second time."
    return (
        f"{told} Of these {runs:,} runs, clients refuse all but the first unless the exact_runs of "
        "their guards allow more."
    )
