"""The report: a comparison as one HTML page that loads nothing from anywhere."""

from hedgerow.comparison.report.write import add_audit, write_report

__all__ = ["add_audit", "write_report"]
