"""`python -m normwise` is the command `normwise`."""

from normwise.cli.main import app

app(prog_name="normwise")
