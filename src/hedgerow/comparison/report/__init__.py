"""The report: a comparison as one HTML page that loads nothing from anywhere."""

from hedgerow.comparison.report.write import write_report

__all__ = ["write_report"]
