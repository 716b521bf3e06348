"""The command line: one command a file, and no logic. Importing it loads neither keras nor jax."""
