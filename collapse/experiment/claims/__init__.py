"""Claims of the literature as data: what was published, and how it is tested."""
