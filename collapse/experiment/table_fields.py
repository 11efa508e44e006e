"""The fields that say which data are learned from, and how a table is read."""

import dataclasses
from typing import Annotated, ClassVar, Literal

from collapse.data.errors import InputError
from collapse.data.tables import Options
from collapse.experiment.base import Experiment
from collapse.experiment.fields import Only, OnlyIfSet, Shown

_WITH_DATA = (Only("data"), OnlyIfSet())


@dataclasses.dataclass(frozen=True)
class TableFields(Experiment):
    """The fields of all experiments, and those of real data."""

    group: ClassVar[str] = "data"
    reads_tables: ClassVar[bool] = True  # False where data are text

    data: Annotated[str, Shown("none")] = ""
    """Real data: 'faithful', 'diabetes', or a .csv, .tsv, .txt, .npy or .parquet file
    (rows x dimensions), which may be packed as .gz."""
    columns: Annotated[
        tuple[str, ...], Shown("all but an index", may_be_empty=True), *_WITH_DATA
    ] = ()
    """Columns of the data to learn, by name or number from 1."""
    drop: Annotated[tuple[str, ...], Shown("none", may_be_empty=True), *_WITH_DATA] = ()
    """Columns of the data to leave out, by name or number from 1."""
    separator: Annotated[str, *_WITH_DATA] = "auto"
    """Between columns of a text file: one character, or tab, space (any run of them),
    comma, semicolon or bar. auto: that of the kind of file."""
    decimal: Annotated[Literal[".", ","], *_WITH_DATA] = "."
    """Decimal point of a text file; with a comma, columns of a .csv are separated by
    semicolons."""
    header: Annotated[Literal["auto", "yes", "no"], *_WITH_DATA] = "auto"
    """Whether the first line of a text file holds names. auto: it does if it has text,
    if it counts from 0 or 1, or if whole numbers stand above others."""
    missing: Annotated[Literal["error", "drop"], *_WITH_DATA] = "error"
    """Rows of the data with a missing value are refused, or left out."""

    def reading(self) -> Options:
        """How the table is read."""
        return Options(**{name: getattr(self, name) for name in Options._fields})

    def check(self) -> None:
        """Raise InputError for the first field that cannot be run."""
        if not self.reads_tables:
            for name, default in Options._field_defaults.items():
                if getattr(self, name) != default:
                    raise InputError(f"{name}: only for tables; {self.name} reads text")
        super().check()

    @classmethod
    def hidden(cls) -> tuple[str, ...]:
        """Names of the fields that are not offered: of tables, where text is read."""
        return () if cls.reads_tables else Options._fields
