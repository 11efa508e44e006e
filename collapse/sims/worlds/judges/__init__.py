"""Judges: what an operator keeps of documents, on the host, and what that is worth."""

from collapse.sims.worlds.judges.accounts import TOLD, told
from collapse.sims.worlds.judges.curator import (
    corpus_judgement,
    generator_of,
    host_curator,
)
from collapse.sims.worlds.judges.judge import judge_of
from collapse.sims.worlds.judges.judgement import Judge, Judgement, Occasion

__all__ = [
    "TOLD",
    "Judge",
    "Judgement",
    "Occasion",
    "corpus_judgement",
    "generator_of",
    "host_curator",
    "judge_of",
    "told",
]
