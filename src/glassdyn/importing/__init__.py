"""Files of other programs and groups: what they hold becomes the project's own snapshots, trajectories and labels."""
