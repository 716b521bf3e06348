"""The report of `normwise why`: a WhyRecord in, one self-contained HTML file out."""

from normwise.report.why.why_report import why_report, write_why_report

__all__ = ["why_report", "write_why_report"]
