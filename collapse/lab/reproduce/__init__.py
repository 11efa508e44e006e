"""`collapse reproduce`: published figures and claims made again, with verdicts."""
