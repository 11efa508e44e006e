"""One run on many processes or hosts: the same parts on any number of them.

A part is one condition for one block of seeds. How seeds are divided follows from the
experiment alone, and how a part is computed from the run's layout of devices, so that
its file holds the same bits wherever it is made. Who computes what:

  local     processes on this machine (`--jobs`)
  shard     a fixed share in each of several commands (`--shard`), joined by `merge`
  cluster   the workers of a Dask cluster (`--scheduler`)

All of them leave the same files among the checkpoints; results are assembled from these
as after a run that was interrupted.
"""
