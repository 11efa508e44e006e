"""Causal language models of the Hugging Face world: `python -m collapse.sims.hf`.

A pretrained model is fine-tuned on real text, or on responses to instructions, and
generates as much; the next one is fine-tuned on that. Needs the extra `hf` (torch and
transformers), which is imported by nothing but a run: only modules of this folder name
it.
"""

from collapse.sims.hf.experiment import Hf

FAMILY = Hf

__all__ = ["FAMILY", "Hf"]
