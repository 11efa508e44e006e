"""How it is run: command line, programs, checkpoints, run folder, report."""

import os

# Seeds already use every core. Threads of the linear algebra inside them only get in
# each other's way: on a busy machine a QR of 1000 x 10 took 400 times as long with two.
# Read when SciPy is loaded, so it stands before all else; a user's value is kept.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
