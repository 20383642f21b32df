"""Forged reports: a helper that checks passes, one that does not is found, by what it takes."""

import pytest

from hedgerow.privacy.audits.forgery import forged_reports
from hedgerow.privacy.secure.identity import Certificate
from hedgerow.privacy.secure.split import helper
from hedgerow.privacy.secure.split.helper import Helper
from hedgerow.privacy.secure.split.messages import Signed
from hedgerow.privacy.secure.split.used import UsedInMemory


def test_the_helper_takes_what_is_right_and_nothing_else():
    found = forged_reports()
    assert found.passed, found.sentence


@pytest.mark.parametrize(
    ("owner", "name", "said"),
    [
        (Signed, "check_signature", "takes a report that nobody signed"),
        (Signed, "check_sender", "takes a report of another session"),
        (Certificate, "check", "takes a report of a client that is not enrolled"),
        (Helper, "_check", "gives a sum of fewer reports than the minimum"),
        (UsedInMemory, "__contains__", "takes a report that has been in a sum"),
        (helper, "verify", "gives a sum that the coordinator did not sign for"),
    ],
)
def test_a_helper_that_leaves_out_a_check_is_found(monkeypatch, owner, name, said):
    monkeypatch.setattr(owner, name, lambda *_given: None)
    found = forged_reports()
    assert not found.passed
    assert said in found.sentence
