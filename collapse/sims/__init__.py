"""Families and studies: `python -m collapse.sims.<name>`, one folder each."""

import collapse.lab as _lab  # noqa: F401 - sets the environment before jax is loaded
