"""What a trained model needs before it is used: statistics put right, normalization folded away."""
