"""What a network has to beat: models fitted to the same samples without a graph."""
