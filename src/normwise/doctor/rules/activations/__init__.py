"""2xx: activations and gradients."""
