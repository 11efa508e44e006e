"""Variational autoencoders: networks, and probabilistic PCA in closed form."""
