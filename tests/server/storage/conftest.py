"""Rounds and clients for messages to refer to."""

import pytest
from sqlalchemy import insert

from hedgerow.server.storage.tables import clients, rounds, runs, tasks


def filled(table, **values):
    """Return a row that has something in each column that needs it."""
    kinds = {column.name: column.type.python_type for column in table.c if not column.nullable}
    return {**{name: kind() for name, kind in kinds.items()}, **values}


@pytest.fixture
def make_rounds():
    """Put rounds in one phase, and clients, into a database."""

    def make(database, names, phase, enrolled):
        with database.write() as connection:
            connection.execute(insert(tasks), filled(tasks, id="task", name="task"))
            connection.execute(insert(runs), filled(runs, id="run", task="task"))
            for attempt, name in enumerate(names):
                row = filled(rounds, id=name, run="run", attempt=attempt, phase=phase)
                connection.execute(insert(rounds), row)
            connection.execute(insert(clients), [filled(clients, id=name) for name in enrolled])

    return make
