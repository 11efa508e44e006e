"""What experiments with language models share: fences, and words on decoding."""

from collapse.experiment.text import pages
from collapse.sims.charlm import Charlm
from collapse.sims.hf import FAMILY as HF


def test_a_fence_is_longer_than_any_in_the_text():
    assert pages.fenced("plain") == ["```text", "plain", "```"]
    assert pages.fenced("a ```\nb") == ["````text", "a ```\nb", "````"]


def test_decoding_is_told_once_for_all_models():
    for kind in (Charlm, HF):
        assert kind(beams=5).decoding_words() == ["5 beams"]
        own = kind(temperature=(0.5,), top_k=3, repetition_penalty=(2.0,))
        said = ["temperature 0.5", "top_k 3", "repetition penalty 2"]
        assert own.decoding_words() == said
