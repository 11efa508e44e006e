"""Denoising diffusion under any workflow: `python -m collapse.sims.diffusion`.

A small network on the plane or on a torus of angles; or the exact score, whose law has
a closed form, so that errors of learning, of steps and of sampling can be told apart.
"""

from collapse.sims.diffusion.experiment import Diffusion

FAMILY = Diffusion

__all__ = ["FAMILY", "Diffusion"]
