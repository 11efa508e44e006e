"""Experiment families: `python -m collapse.sims.<name> --help`."""
