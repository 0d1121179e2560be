"""What predictions are worth: correlations with their errors, beside baselines trained on the same samples."""
