"""One generation, and many seeds: types, store, workflows, loop. No I/O, no model."""
