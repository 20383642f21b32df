"""Audits: what an attacker could tell, measured beside what was promised."""
