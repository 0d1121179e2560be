"""What a network has to beat: models that learn from the same samples without a graph."""
