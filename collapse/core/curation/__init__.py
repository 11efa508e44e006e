"""Curation: which generated rows are kept, before they enter the store.

`keeping` is what the loop itself uses, `tally` what a trace tells of it, `quality` says
how good a curator is. Every operator is a file of its own, with functions that make a
`Curator`. A study of any of them needs `at_random` or `shuffled` beside it: selection
can collapse a loop that is safe without it, so that random selection at the same rate
has to be shown, too (Qiao et al. 2026, arXiv:2606.13732).
"""

from collapse.core.curation.keeping import KEEP_ALL as KEEP_ALL
from collapse.core.curation.keeping import check as check
from collapse.core.curation.keeping import curate as curate
from collapse.core.curation.keeping import keep as keep
from collapse.core.curation.keeping import keep_all as keep_all
from collapse.core.curation.keeping import keeps_all as keeps_all
from collapse.core.curation.keeping import reject as reject
