"""What a trained model has learnt, said in quantities that a physicist knows."""
