"""What a user does outside of the pipeline: a module for each command, or each group that shares its arguments."""
