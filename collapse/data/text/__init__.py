"""Real text: files, parts, sequences, and those that a monitor may look at."""
