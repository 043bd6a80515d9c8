"""What likelihoods are sums over, as arrays."""
