"""Data distributions that models learn, known ones and files of real data."""
