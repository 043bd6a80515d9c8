"""Pictures of results: every function takes a result and an optional Axes, and returns the Axes.

Nothing here changes Matplotlib's settings, and every number shown is computed below this layer.
"""

from predclv.plots.fit import frequency_recency, repeat_histogram
from predclv.plots.holdout import holdout_by_frequency

__all__ = ["frequency_recency", "holdout_by_frequency", "repeat_histogram"]
