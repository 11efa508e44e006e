"""The same share of real rows in every generation: what all others have to beat."""

from collapse.core.control.policy import open_loop

POLICY = open_loop(lambda setting, signal: setting.rate)
