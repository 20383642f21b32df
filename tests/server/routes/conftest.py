"""A coordinator for one test, and an operator who talks to it."""

import pytest
from interface import coordinator, ok, put_catalog, task_body


@pytest.fixture
def running(tmp_path):
    """A coordinator of this test alone."""
    with coordinator(tmp_path) as found:
        yield found


@pytest.fixture
def operator(running):
    with running.caller() as found:
        yield found


@pytest.fixture
def catalog(operator):
    """The hash of a catalog that was uploaded."""
    return put_catalog(operator)


@pytest.fixture
def task(operator, catalog):
    """A task, as it was shown when it was made."""
    return ok(operator.post("/v1/tasks", json=task_body(catalog)), 201)
