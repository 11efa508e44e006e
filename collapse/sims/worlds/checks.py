"""What is refused of operators, before anything is run."""

from collapse.data.errors import InputError
from collapse.data.quality import principles
from collapse.data.quality.watermark import num_green
from collapse.sims.worlds import operators
from collapse.sims.worlds.fields import WorldsFields


def check_operators(e: WorldsFields) -> None:
    """Nothing: the operators of an experiment can be run with its other fields.

    Raises:
      InputError: if one of them cannot.
    """
    operators.check(e.operator)
    principles.check(e.principles)
    if "discreet" in e.principles and not e.made_world().secrets:
        raise InputError(
            f"principles: discreet says nothing of {e.world}, in which there are no "
            "secrets; leave it out"
        )
    for one in e.operators():
        if one.rule.keeps == "best" and e.learn == "documents":
            raise InputError(
                f"learn: {one.name} needs several answers to a prompt, and documents "
                "have prompts of their own; leave --learn out"
            )
        if one.rule.keeps == "best" and e.candidates == 1:
            raise InputError(
                f"operator: {one.name} needs several answers to each prompt; give "
                "--candidates 4 or so"
            )
        if one.rule.keeps == "best" and e.judged == "all":
            raise InputError(
                f"judged: {one.name} judges answers to one prompt, and real documents "
                "have one each; leave it out"
            )
        if one.name == "influence" and e.target_shift != 1:
            raise InputError(
                "target_shift: influence measures what is gained on the next token; "
                "leave it out"
            )
        if one.name == "influence" and e.judged == "all" and not e.pretrain_steps:
            raise InputError(
                "judged: influence asks the model that generated documents, and real "
                "ones have none; give --pretrain-steps, or leave it out"
            )
        if one.name == "enhance" and e.judged == "all":
            raise InputError(
                "judged: enhance rewrites what models generate, and no real documents; "
                "leave it out"
            )
    if e.candidates > 1 and not e.operates():
        raise InputError(
            "candidates: without an operator all documents are kept; give one, or "
            "leave it out"
        )


def check_mark(e: WorldsFields) -> None:
    """Nothing: some characters of the world are green, and some are not.

    Raises:
      InputError: if all are, or none.
    """
    size = 1 + len(e.made_world().letters)  # with the end of a document
    green = num_green(size, e.green_share)
    if e.marks() and not 0 < green < size:
        raise InputError(
            f"green_share: {e.green_share:g} makes {green} of the {size} characters "
            f"green; give a share from {1 / size:.2g} to {1 - 1 / size:.2g}"
        )
