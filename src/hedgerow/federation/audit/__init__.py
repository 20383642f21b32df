"""Auditing a simulated run: what an attacker can tell from it, beside what it promises."""

from hedgerow.federation.audit.result import AuditResult as AuditResult
from hedgerow.federation.audit.run import audit as audit
