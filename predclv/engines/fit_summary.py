"""The parameters of a fit as a table: estimates, what is not known of them, multipliers."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri


def parameter_table(fit: Any, level: float) -> pd.DataFrame:
    """What `Fit.summary` shows, for a level that is checked."""
    estimate, space = np.array(list(fit.params.values())), fit.space
    unknown = np.array([name in fit.undetermined for name in fit.params])
    if fit.replicates is None:
        free_error = np.where(unknown, np.nan, np.sqrt(np.diag(fit.log_covariance)))
        reach = ndtri(0.5 + level / 2) * free_error
        error = space.slope_at(estimate) * free_error
        lower, upper = space.moved(estimate, -reach), space.moved(estimate, reach)
    else:
        values = fit.replicates.reshape(-1, estimate.size)
        held = unknown & (np.ptp(space.free_at(values), axis=0) < 1e-6)
        values = np.where(held, np.nan, values)
        error = values.std(axis=0, ddof=1)
        lower, upper = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    columns = {"estimate": estimate, "std_error": error, "lower": lower, "upper": upper}
    if fit.covariates is not None:
        is_effect = np.isin(list(fit.params), fit.covariates.names)
        columns["multiplier"] = np.where(is_effect, np.exp(estimate * is_effect), np.nan)
    for check in ("ess_bulk", "r_hat"):
        if all(f"{check}_{name}" in fit.checks for name in fit.params):
            columns[check] = np.array([fit.checks[f"{check}_{name}"] for name in fit.params])
    return pd.DataFrame(columns, index=pd.Index(list(fit.params), name="parameter"))
