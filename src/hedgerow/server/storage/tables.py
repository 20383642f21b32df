"""The database's tables, the same in SQLite and PostgreSQL.

Times are seconds since 1970 in UTC. Names and digests are lower-case hexadecimal; bodies are
canonical CBOR or JSON, as the column says.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

_SERIAL = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up by itself only in columns declared as INTEGER."""

settings = Table(
    "settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
"""Of the deployment as a whole, such as which authority enrols."""

catalogs = Table(
    "catalogs",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("items", Integer, nullable=False),
    Column("created", Float, nullable=False),
)
"""Public catalogs; the blob ``catalog/{hash}`` holds each, and ``items/{hash}`` what its items are
called."""

tasks = Table(
    "tasks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("body", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created", Float, nullable=False),
)
"""What is to be learned, and how; the body is the JSON of a `Task`. Status: active, paused."""

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("task", ForeignKey("tasks.id"), nullable=False, index=True),
    Column("status", String(16), nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("state", String(64), nullable=False),
    Column("progress", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("changed", Float, nullable=False),
)
"""Trainings of a task from start to end. Status: running, done, stopped, failed.

``body`` is what was planned at the start and ``progress`` what came of it, both JSON; ``step`` is
the number of the next step, ``state`` the hash of the model so far, ``note`` why the run stopped.
"""

rounds = Table(
    "rounds",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False, index=True),
    Column("step", Integer, nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("phase", String(16), nullable=False, index=True),
    Column("mode", String(16), nullable=False),
    Column("ask", Text, nullable=False),
    Column("terms", LargeBinary, nullable=True),
    Column("deadline", Float, nullable=False),
    Column("owner", String(64), nullable=True),
    Column("lease_until", Float, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("changed", Float, nullable=False),
    Column("failure", String(40), nullable=True),
    Column("stats", Text, nullable=False),
    UniqueConstraint("run", "step", "purpose", "attempt"),
    Index("rounds_by_start", "created"),
    Index("rounds_by_change", "changed"),
)
"""One attempt at one secured sum. ``purpose``: step, norms or evaluation."""

closings = Table(
    "closings",
    metadata,
    Column("round", ForeignKey("rounds.id"), primary_key=True),
    Column("phase", String(16), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
"""What was fixed when a phase ended: whose messages count and in which order, and what was drawn.

With the messages it is all that a replica needs to rebuild a round (CBOR).
"""

messages = Table(
    "messages",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("round", ForeignKey("rounds.id"), nullable=False),
    Column("client", ForeignKey("clients.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("length", Integer, nullable=False),
    Column("body", LargeBinary, nullable=True),
    Column("blob", String(64), nullable=True, index=True),
    Column("start", BigInteger, nullable=True),
    Column("refused", String(40), nullable=True),
    Column("received", Float, nullable=False),
    UniqueConstraint("round", "client", "kind"),
    Index("messages_of_round", "round", "kind", "seq"),
)
"""What clients sent, each once.

A small body stands in the row; a large one is ``length`` bytes of a blob from byte ``start`` on.
Where both are NULL the body was deleted after its round.
"""

clients = Table(
    "clients",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("name", String(64), nullable=False),
    Column("users", Integer, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("enrolled", Float, nullable=False),
    Column("revoked", Float, nullable=True),
    Index("clients_by_revocation", "revoked"),
)
"""Enrolled clients; the id is their Ed25519 public key, the certificate CBOR."""

enrolment_tokens = Table(
    "enrolment_tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("name", String(64), nullable=False),
    Column("users", Integer, nullable=False),
    Column("expires", Float, nullable=False),
    Column("used", Float, nullable=True),
    Column("client", String(64), nullable=True),
)
"""Single-use tokens by the SHA-256 of their text."""

logins = Table(
    "logins",
    metadata,
    Column("client", String(64), primary_key=True),
    Column("latest", BigInteger, nullable=False),
)
"""The time of each client's newest login, in milliseconds since 1970."""

access_keys = Table(
    "access_keys",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("created", Float, nullable=False),
    Column("revoked", Float, nullable=True),
)
"""What programs of operators, analysts and auditors log in with, by SHA-256."""

console_sessions = Table(
    "console_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("key", ForeignKey("access_keys.digest"), nullable=False),
    Column("expires", Float, nullable=False),
)
"""Sessions that began with an access key, by the SHA-256 of their cookie's text."""

models = Table(
    "models",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("task", ForeignKey("tasks.id"), nullable=False, index=True),
    Column("step", Integer, nullable=False),
    Column("quality", Text, nullable=False),
    Column("created", Float, nullable=False),
)
"""Every state that a run published; the blob ``model/{hash}`` holds each. Quality is JSON."""

live = Table(
    "live",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("task", ForeignKey("tasks.id"), nullable=False, index=True),
    Column("model", String(64), nullable=False),
    Column("who", String(64), nullable=False),
    Column("at", Float, nullable=False),
)
"""Which model recommends, by task; the newest row counts, so that a rollback is one more row."""

ledger_lines = Table(
    "ledger_lines",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("line", LargeBinary, nullable=False),
)
"""The privacy ledger; two replicas that write the same number are told apart by the key."""

audit_lines = Table(
    "audit_lines",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("line", LargeBinary, nullable=False),
)
"""The audit log: a chain of hashes, whose newest line is signed."""

used_reports = Table(
    "used_reports",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("report", String(64), primary_key=True),
    Column("session", String(64), nullable=False),
)
"""Which report has been in which split-mode sum, by server."""

helper_sessions = Table(
    "helper_sessions",
    metadata,
    Column("session", String(64), primary_key=True),
    Column("terms", LargeBinary, nullable=False),
    Column("release", String(256), nullable=False),
    Column("deviation", Float, nullable=False),
    Column("answer", LargeBinary, nullable=True),
    Column("created", Float, nullable=False),
)
"""Sums that the helper takes part in; the answer, once given, is given again."""

helper_reports = Table(
    "helper_reports",
    metadata,
    Column("session", ForeignKey("helper_sessions.session"), primary_key=True),
    Column("report", String(64), primary_key=True),
    Column("signed", LargeBinary, nullable=False),
)
"""Envelopes that the helper accepted, sealed as they came."""
