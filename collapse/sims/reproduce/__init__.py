"""Published figures and claims made again: `python -m collapse.sims.reproduce`."""
