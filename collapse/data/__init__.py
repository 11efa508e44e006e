"""Ground truths to learn, and real data to learn from."""
