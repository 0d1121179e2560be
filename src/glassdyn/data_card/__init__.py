"""The data card: what a run's data are, how they were made, and what was checked, as an RO-Crate."""
