"""`python -m normwise` is the command `normwise`."""

from normwise.cli.run import run

run()
