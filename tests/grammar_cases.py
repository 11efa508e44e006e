"""A small grammar whose numbers can be worked out by hand."""

import numpy as np

# X, Y and Z die at different rates; S may contain itself
TOY = """
# sentences such as "a x and b y u"
S -> X Y [0.5] | X 'and' S [0.2] | Y [0.3]
X -> 'a' [0.6] | 'b' [0.3] | 'c' [0.1]
Y -> 'x' [0.7] | 'y' Z [0.3]
Z -> "u" [0.5] | 'v' [0.4]
   | 'w' [0.1]
%pair order: X x / x X
%pair last: y Z / Z y
"""
NAMES = ("S", "X", "Y", "Z")
Q = np.array([[0.5, 0.2, 0.3], [0.6, 0.3, 0.1], [0.7, 0.3, 0], [0.5, 0.4, 0.1]])
NONE = 4
CHILDREN = np.full((4, 3, 2), NONE, np.int32)
CHILDREN[0] = [[1, 2], [1, 0], [2, NONE]]
CHILDREN[2, 1, 0] = 3
# a sentence has 1 / (1 - 0.2) S, of which 0.7 have an X and 0.8 a Y
USES = np.array([1, 0.7, 0.8, 0.24]) / 0.8
