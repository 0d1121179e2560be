"""What predictions are worth: correlations with their errors, against rivals that learnt from the same samples."""
