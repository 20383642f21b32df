"""Who may do what: certificates, enrolment, tokens, roles, limits and the audit log."""
