"""Variational autoencoders of images under any workflow: `python -m collapse.sims.vae`.

Probabilistic PCA, whose recursion has a theory, and networks: Shumailov et al.'s, and
smaller ones. Losses are of held-out real images.
"""

from collapse.sims.vae.experiment import Vae

FAMILY = Vae

__all__ = ["FAMILY", "Vae"]
