"""Records in; Plotly figures and one self-contained HTML file out. Loads neither keras nor jax."""

from normwise.report.plot import plot
from normwise.report.run_report import run_report, write_run_report
from normwise.report.why import why_report, write_why_report

__all__ = ["plot", "run_report", "why_report", "write_run_report", "write_why_report"]
