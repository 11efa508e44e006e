"""What became of each rule, and a text that lists it."""

import textwrap
from typing import NamedTuple


class Checked(NamedTuple):
    """What became of one rule.

    Attributes:
      rule: its name.
      words: what it asks, in a line.
      passed: None if it was not tried.
      message: what is wrong and what helps, or why it was not tried; if it is kept, a
        remark on what may be meant, most often "".
    """

    rule: str
    words: str
    passed: bool | None
    message: str = ""


class Report(NamedTuple):
    """What became of every rule, in the order in which they were tried."""

    checks: tuple[Checked, ...]

    @property
    def ok(self) -> bool:
        """Whether no rule is broken."""
        return not self.failed

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the rules that are broken."""
        return tuple(one.rule for one in self.checks if one.passed is False)

    @property
    def messages(self) -> dict[str, str]:
        """Rule -> what is wrong and what helps, of those that are broken."""
        return {one.rule: one.message for one in self.checks if one.passed is False}

    @property
    def remarks(self) -> dict[str, str]:
        """Rule -> what was seen and may be meant, of those that are kept."""
        kept = (one for one in self.checks if one.passed)
        return {one.rule: one.message for one in kept if one.message}

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the rules that were not tried."""
        return tuple(one.rule for one in self.checks if one.passed is None)

    def __str__(self) -> str:
        """A line for each rule, with what is wrong below it."""
        lines = []
        for one in self.checks:
            mark = {True: "kept", False: "BROKEN", None: "not tried"}[one.passed]
            mark = "remark" if one.passed and one.message else mark
            lines.append(f"{mark:9}  {one.rule:11}  {one.words}")
            lines += textwrap.wrap(
                one.message, 75, initial_indent=" " * 11, subsequent_indent=" " * 11
            )
        return "\n".join(lines)
