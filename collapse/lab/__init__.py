"""How it is run: command line, programs, checkpoints, run folder, report."""
