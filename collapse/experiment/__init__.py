"""What is asked: experiments, workflows by name, TOML, results with provenance."""
