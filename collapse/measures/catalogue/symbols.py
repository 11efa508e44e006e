"""Metrics of distributions over symbols, n-grams and rules."""

import functools

from collapse.measures.quantity import Quantity, diversity, error, loss, ratio, tail

# of distributions over symbols; defined in `measures.symbols`
SYMBOLS = {
    "heterozygosity": ratio("heterozygosity, 1 - sum of squared shares", "variance"),
    "support": Quantity("symbols with a share", "symbols", aspect="support"),
    "entropy": diversity("entropy", "nats"),
    "tail_mass_10pct": tail("mass of the rarest symbols that carry 10 %"),
    "total_variation": error("total variation distance", "probability", "drift"),
}
SHARE_ERROR = error("squared error of the shares", "ratio to truth's trace")

# of n-gram models; defined in `measures.ngrams`
UNIFORM_SHARE = 0.01  # of equal shares, mixed in so that every token has a loss
EXCESS_LOSS = "excess_loss"  # of text: what studies take for the error of a model
NGRAMS = {
    "bits_per_token_floored": loss(
        f"loss on held-out text, {100 * UNIFORM_SHARE:g} % equal shares mixed in",
        "bits a token",
    ),
    "heterozygosity": ratio("heterozygosity after a context, mean", "variance"),
    "support": Quantity("distinct n-grams that are left", "n-grams", aspect="support"),
    "contexts_left": Quantity("contexts that are left", "share of the real ones", 1.0),
    "entropy_rate": diversity("entropy rate", "bits a token"),
    "tail_mass_10pct": tail("mass of the rarest n-grams that carry 10 %"),
    EXCESS_LOSS: error(
        f"log-loss beyond the truth's, {100 * UNIFORM_SHARE:g} % equal shares mixed in",
        "nats a token",
    ),
}

# of grammars; defined in `measures.grammar`
_kept = functools.partial(Quantity, unit="share", reference=1.0)
GRAMMAR = {
    "pairs_right": _kept("minimal pairs judged right", aspect="support"),
    "pairs_learnable": _kept("minimal pairs that can be told apart"),
    "sentences_left": _kept("true sentences that can still be generated"),
    "heterozygosity": ratio("heterozygosity of a non-terminal, mean", "variance"),
    "support": Quantity("rules that are left", "rules", aspect="support"),
    "nonterminals_left": _kept("non-terminals that are left"),
    "chi_square": error("chi-square divergence", "squared error / share", "drift"),
    "tail_mass_10pct": tail("mass of the rarest rules that carry 10 %"),
}
