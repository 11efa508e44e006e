"""Metrics of task worlds; defined in `measures.worlds`."""

from collapse.measures.quantity import Quantity, error, loss

_SHARE = "share of answers"
WORLDS = {
    "correctness": Quantity("correct answers to unseen prompts", _SHARE, 1.0),
    "rare_correctness": Quantity(
        "correct answers to unseen prompts of rare skills", _SHARE, 1.0
    ),
    "validity": Quantity("answers of a valid form", _SHARE, 1.0),
    "pass_at_k": Quantity(
        "prompts of which one of k answers is correct", "share of prompts", 1.0
    ),
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
    "leaked_correctness": Quantity(
        "correct answers to prompts of the half that may leak", _SHARE, 1.0
    ),
    "fresh_correctness": Quantity(
        "correct answers to prompts of the half that never leaks", _SHARE, 1.0
    ),
    "leaked_share": Quantity(
        "prompts of the half that may leak that are in a seed's real documents",
        "share of them",
        None,
        "lower",
    ),
    "score_inflation": Quantity(
        "correct answers to prompts that may leak, less to others",
        _SHARE,
        None,
        "lower",
    ),
    "leak_auc": Quantity(
        "AUC of the loss for prompts that may have leaked",
        "probability",
        None,
        "lower",
    ),
    "pair_accuracy": Quantity(
        "minimal pairs whose right response is the likelier", "share of pairs", 1.0
    ),
    "exposure": Quantity("exposure of planted secrets", "bits", None, "lower"),
    "watermark_z": Quantity(
        "watermark in what models generate", "standard deviations", None, "higher"
    ),
    "radioactive_z": Quantity(
        "watermark in what models generate without it", "standard deviations", 0.0
    ),
    "group_shift": error(
        "documents that tell of another group than in the truth", "share of documents"
    ),
    "phi": Quantity(
        "correct documents that the operator keeps", "share of them", None, "higher"
    ),
    "psi": Quantity(
        "wrong documents that the operator keeps", "share of them", None, "lower"
    ),
    "operator_auc": Quantity(
        "AUC of the operator's scores for correct documents",
        "probability",
        None,
        "higher",
    ),
    "lost_skills": error(
        "skills of which the operator keeps nothing", "share of skills"
    ),
    "documents_per_kept": Quantity(
        "documents that the operator chooses from",
        "documents per kept one",
        None,
        "lower",
    ),
    "judge_calls": Quantity(
        "calls of the operator's verifier or scorer",
        "calls per kept document",
        None,
        "lower",
    ),
    "judge_reward": Quantity(
        "principles that kept documents fulfil, as the judge sees it",
        "share of principles",
        None,
        "higher",
    ),
    "true_reward": Quantity(
        "principles that kept documents fulfil in truth",
        "share of principles",
        None,
        "higher",
    ),
    "rewritten_share": Quantity(
        "kept documents that the operator has rewritten", "share of documents"
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
_DATA = "of the rows that a student learns from"
STUDENTS = {
    **{name: WORLDS[name] for name in ("correctness", "rare_correctness", "validity")},
    "solver_correctness": Quantity(
        "correct answers of the generator to unseen prompts", _SHARE, 1.0
    ),
    "data_correctness": Quantity(f"correct {_DATA}", "share of documents", 1.0),
    "data_validity": Quantity(f"valid {_DATA}", "share of documents", 1.0),
    **{n: WORLDS[n] for n in ("skill_survival", "duplicate_share", "copied_documents")},
    "document_length": Quantity(f"length {_DATA}", "characters"),
    "letter_entropy": Quantity(f"entropy of the characters {_DATA}", "bits"),
    "perplexity_bits": Quantity(
        f"bits a token that n-grams of clean documents need, {_DATA}", "bits"
    ),
    "base_loss": loss(f"loss of the base on answers {_DATA}", "nats a token"),
}
