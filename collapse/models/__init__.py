"""Generative models, one file each: functions that return a `Model`."""
