"""Auditing a simulated run: what an attacker can tell from it, beside what it promises."""

from hedgerow.federation.audit.judging import BENCHES as BENCHES
from hedgerow.federation.audit.judging import bench_verdicts as bench_verdicts
from hedgerow.federation.audit.result import AuditResult as AuditResult
from hedgerow.federation.audit.run import audit as audit
