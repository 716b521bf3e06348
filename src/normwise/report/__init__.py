"""Records in; Plotly figures and one self-contained HTML file out. Loads neither keras nor jax."""

from normwise.report.run_report import run_report, write_run_report

__all__ = ["run_report", "write_run_report"]
