"""Experiments: declared sweeps, run as DVC experiments, and the tables and figures that compare them."""
