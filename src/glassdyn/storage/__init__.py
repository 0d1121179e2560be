"""Files that are there whole or not at all: trajectories, snapshots, tables, metrics."""
