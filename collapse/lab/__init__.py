"""How it is run: command line, programs, checkpoints, run folder, report."""

import os

# Seeds already use every core. Threads of the linear algebra inside them only get in
# each other's way: on a busy machine a QR of 1000 x 10 took 400 times as long with two.
# Read when SciPy is loaded, so it stands before all else; a user's value is kept.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# XLA calls every program that it loads from a file one of another machine, since its
# list of this one's features lacks two that it tunes for itself (jaxlib 0.10.1). That
# it is of this machine is seen to by `collapse.lab.cache`. Read with jax's first
# message, so it stands before jax is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
