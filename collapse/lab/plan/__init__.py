"""A plan for practice: how much real data holds a drift, from measured numbers."""
