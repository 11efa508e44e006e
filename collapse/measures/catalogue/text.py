"""Metrics of text and of language models."""

from collapse.measures.quantity import Quantity, diversity, error, loss, tail

# of the text that language models generate; defined in `measures.text`
_OF_REAL = "ratio to real"
TEXT = {
    "tail_mass_10pct": tail("use of rare words (10 % of real text)", _OF_REAL),
    "tail_mass_1pct": tail("use of the rarest words (1 % of real text)", _OF_REAL),
    "word_survival": Quantity(
        "rare words that are still generated", _OF_REAL, 1.0, aspect="support"
    ),
    "fivegram_survival": Quantity(
        "character 5-grams that are still generated", _OF_REAL, 1.0, aspect="support"
    ),
    "hallucinated_share": Quantity(
        "words unknown to training and validation text",
        "share of words",
        None,
        "lower",
        aspect="hallucination",
    ),
    "distinct_1": diversity("distinct words", "share of words"),
    "distinct_2": diversity("distinct word pairs", "share of word pairs"),
    "distinct_3": diversity("distinct word triples", "share of word triples"),
    "entropy_1gram": diversity("entropy of characters", "bits"),
    "entropy_2gram": diversity("entropy of character pairs", "bits"),
    "entropy_3gram": diversity("entropy of character triples", "bits"),
    "longest_copy": Quantity(
        "longest passage copied from real text", "characters", None, "lower"
    ),
    "copied_share": Quantity(
        "50-character passages copied from real text", "share", None, "lower"
    ),
}

# of `TEXT`, those that need to know where a word ends
OF_WORDS = (
    "tail_mass_10pct",
    "tail_mass_1pct",
    "word_survival",
    "hallucinated_share",
    "distinct_1",
    "distinct_2",
    "distinct_3",
)

# losses of language models; defined in `sims.charlm.measures`
A_CHARACTER = "a character"
PERPLEXITY_QUANTILES = (5, 50, 95, 99)  # of generation 0's perplexity, in per cent
LANGUAGE = {
    "bits_per_character": loss("loss on held-out text", f"bits {A_CHARACTER}"),
    "perplexity": loss("perplexity on held-out text", A_CHARACTER),
    "rare_bits_per_character": Quantity(
        "loss after rare contexts", f"bits {A_CHARACTER}", None, "lower"
    ),
    "rare_perplexity": Quantity(
        "perplexity after rare contexts", A_CHARACTER, None, "lower"
    ),
    "self_perplexity": Quantity("perplexity on the model's own text", A_CHARACTER),
    "first_perplexity": Quantity("generation 0's perplexity on the text", A_CHARACTER),
} | {
    f"first_perplexity_q{q:02d}": Quantity(
        f"generation 0's perplexity, {q} % of rows below", A_CHARACTER
    )
    for q in PERPLEXITY_QUANTILES
}
# in nats a token, whatever a token is
BEYOND_FIRST = error("loss on held-out text beyond generation 0's", "nats a token")

# losses of models of tokens; defined in `sims.hf.measures`
_A_TOKEN = "a token"
TOKENS = {
    "test_loss": loss("loss on held-out text", f"nats {_A_TOKEN}"),
    "token_perplexity": Quantity(
        "perplexity on held-out text", _A_TOKEN, None, "lower"
    ),
    "bits_per_character": LANGUAGE["bits_per_character"]._replace(aspect=""),
    "rare_token_perplexity": Quantity(
        "perplexity on rare tokens (10 % of real text)", _A_TOKEN, None, "lower"
    ),
    "own_token_perplexity": Quantity("perplexity on the model's own text", _A_TOKEN),
    "first_token_perplexity": Quantity(
        "generation 0's perplexity on the text", _A_TOKEN
    ),
    "response_tokens": Quantity("tokens that are generated for a prompt", "tokens"),
    "ended_share": Quantity("texts that end with the end token", "share of rows"),
} | {
    f"first_token_perplexity_q{q:02d}": Quantity(
        f"generation 0's perplexity, {q} % of rows below", _A_TOKEN
    )
    for q in PERPLEXITY_QUANTILES
}
