"""What a physicist measures on a simulated liquid before trusting it."""
