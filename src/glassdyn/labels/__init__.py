"""The mobility of every particle at the middle of a trajectory."""
