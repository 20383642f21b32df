"""Consent: none until it is given, for what it was given, until it is withdrawn."""

import pytest
from client_support import HandClock

from hedgerow.client.consent import PURPOSES, Consent, Consents, needed_for
from hedgerow.client.store import Store
from hedgerow.errors import ConfigError, ProtocolError


@pytest.fixture
def clock():
    return HandClock(10.0)


@pytest.fixture
def book(tmp_path, clock):
    store = Store(tmp_path, clock)
    yield store.consents
    store.close()


def test_nobody_has_agreed_to_anything_at_first(book):
    assert not any(book.now().allow(purpose) for purpose in PURPOSES)
    assert Consents() == book.now()


def test_what_was_agreed_to_is_known_with_who_when_and_version(book, clock):
    book.give("train", "ann", "2024-05")
    clock.now = 20.0
    book.give("measure", "bob", "2024-06")
    assert book.now().given == {
        "train": Consent("train", "ann", 10.0, "2024-05"),
        "measure": Consent("measure", "bob", 20.0, "2024-06"),
    }
    assert not book.now().allow("recommend")


def test_a_withdrawal_counts_at_once_and_everything_stays_on_record(book, clock):
    book.give("train", "ann", "1")
    book.give("measure", "ann", "1")
    clock.now = 11.0
    book.withdraw("train", "bob")
    assert not book.now().allow("train")
    assert book.now().allow("measure")
    with pytest.raises(ProtocolError, match="to help train") as caught:
        book.now().require("train")
    assert caught.value.code == "no-consent"
    book.give("train", "ann", "2")
    assert book.now().given["train"].version == "2"
    log = [(consent.purpose, consent.who, given) for consent, given in book.log()]
    assert log == [
        ("train", "ann", True),
        ("measure", "ann", True),
        ("train", "bob", False),
        ("train", "ann", True),
    ]


@pytest.mark.parametrize(
    "wrong", [("sell", "ann", "1"), ("train", "", "1"), ("train", "ann", ""), ("", "ann", "1")]
)
def test_a_consent_without_purpose_person_or_text_is_refused(book, wrong):
    with pytest.raises(ConfigError):
        book.give(*wrong)
    assert not book.log()


def test_each_purpose_of_a_sum_needs_a_consent():
    asked = ("step", "norms", "evaluation", "recommend")
    assert [needed_for(p) for p in asked] == ["train", "train", "measure", "recommend"]
    with pytest.raises(ProtocolError, match="purpose"):
        needed_for("advertising")
