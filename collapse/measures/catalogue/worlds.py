"""Metrics of task worlds; defined in `measures.worlds`."""

from collapse.measures.quantity import Quantity, loss

_SHARE = "share of answers"
WORLDS = {
    "correctness": Quantity("correct answers to unseen prompts", _SHARE, 1.0),
    "rare_correctness": Quantity(
        "correct answers to unseen prompts of rare skills", _SHARE, 1.0
    ),
    "validity": Quantity("answers of a valid form", _SHARE, 1.0),
    "answer_loss": loss("loss on right answers to unseen prompts", "nats a token"),
    "generated_correctness": Quantity(
        "correct among generated documents", "share of documents", 1.0
    ),
    "skill_survival": Quantity(
        "skills that generated documents still ask for",
        "share of skills",
        1.0,
        aspect="support",
    ),
    "duplicate_share": Quantity(
        "generated documents that repeat another", "share of documents", None, "lower"
    ),
    "copied_documents": Quantity(
        "generated documents that are training documents",
        "share of documents",
        None,
        "lower",
    ),
}
