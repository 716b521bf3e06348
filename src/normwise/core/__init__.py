"""What every room speaks: moments, column statistics, records and errors. NumPy alone."""
