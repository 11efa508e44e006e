"""Denoising diffusion of points in space or on a torus."""
