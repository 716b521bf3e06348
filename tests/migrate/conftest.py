"""The scripts are programs of another time: what collects doctests must not import, and so run, them."""

collect_ignore = ["scripts"]
