"""A posterior as ArviZ sees it: draws, predictions, log-likelihoods, leave-one-out."""

from dataclasses import dataclass, replace
from typing import Any

import arviz_base
import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from predclv.engines.pymc_density import Density
from predclv.errors import FitError, RegularityWarning
from predclv.likelihoods.clocked import ClockedLikelihood
from predclv.likelihoods.covariates import CovariateLikelihood
from predclv.likelihoods.likelihood import Likelihood
from predclv.models.base import Model
from predclv.models.purchases import PurchaseModel
from predclv.models.spend import SpendModel
from predclv.notices import warn
from predclv.once import FieldsAlone, once
from predclv.streams import Stream, stream

_PREDICTED = 1000  # customers that predictions are drawn for
_PREDICTIONS = 100  # draws of each prediction
_POINTWISE = 40_000_000  # customers times draws up to which log_likelihood is kept: 320 MB
_CHUNK = 4_000_000


@dataclass(frozen=True, eq=False)
class Posterior(FieldsAlone):
    """What stands behind a fit by PyMC, made on first use.

    Attributes
    ----------
    density : Density
        As it was sampled.
    likelihood : Likelihood
        As its parameters are reported.
    replicates : ndarray, shape (chains, draws, k), or None
        None for ``method="map"``, which has no ``idata``.
    stats : Dataset or None
        Statistics of the sampler.
    seed : int
    """

    density: Density
    likelihood: Likelihood
    replicates: NDArray | None
    stats: Any
    seed: int

    @property
    def pymc_model(self) -> Any:
        """The ``pm.Model`` whose posterior this is."""
        return self.density.pymc_model

    @once
    def idata(self) -> Any:
        """DataTree of posterior, sample_stats, prior, predictions, log_likelihood and data.

        Cells carry weights, ArviZ knows none: ``log_likelihood`` and ``observed_data`` are laid out
        by customer, in the order of the cells, so that ``az.loo`` leaves out one customer at a
        time. Beyond 40 million customers times draws (10,000 customers at 4 x 1000) there is no
        ``log_likelihood`` group: ``fit.loo()`` gives the same without it. Predictions are for at
        most 1,000 customers, evenly spaced, 100 draws each: of their ``frequency``, for a model of
        spend their ``monetary_value``, of contracts their ``renewals``. ``constant_data`` holds the
        cells with their weights.
        """
        if self.replicates is None:
            return None
        if isinstance(self.likelihood, (ClockedLikelihood, CovariateLikelihood)):
            return self._by_parameter
        model, arrays = self.density.model, self.density.arrays
        target = 1 if issubclass(model, SpendModel) else 0
        columns = model.columns
        named = columns[target]
        cell = np.repeat(np.arange(arrays[-1].size), arrays[-1].astype(int))
        count = min(_PREDICTED, cell.size)
        shown = np.linspace(0, cell.size - 1, count).astype(int)
        chosen = [column[cell[shown]] for column in arrays[:-1]]
        rng = stream(self.seed, Stream.BOUNDS)
        chains, draws, _ = self.replicates.shape
        each = max(1, _PREDICTIONS // chains)
        few = self.replicates[:, np.linspace(0, draws - 1, min(each, draws)).astype(int)]
        beforehand = self.density.prior_draws(draws, self.seed % 2**31)
        prior = np.stack(list(beforehand.values()), axis=-1)[None]
        whole: dict[str, Any] = {
            "posterior": _by_name(model.names(), self.replicates),
            "posterior_predictive": {named: _predicted(model, few, chosen, rng)},
            "prior": _by_name(model.names(), prior),
            "prior_predictive": {named: _predicted(model, prior[:, :_PREDICTIONS], chosen, rng)},
        }
        labels = {"customer": shown}
        tree = arviz_base.from_dict(whole, dims={named: ["customer"]}, coords=labels)
        everyone: dict[str, Any] = {"observed_data": {named: arrays[target][cell]}}
        if cell.size * chains * draws <= _POINTWISE:
            per_cell = _log_likelihoods(model, self.replicates, arrays[:-1])
            # Of whom nothing is known yet (T = 0) the log-likelihood is 0 in every draw: they
            # change no elpd, and ArviZ cannot smooth a constant.
            informative = np.flatnonzero(_varies(per_cell)[cell])
            everyone["log_likelihood"] = {named: per_cell[..., cell[informative]]}
        else:
            everyone["observed_data"] = {named: arrays[target][cell[shown]]}
        for group, part in arviz_base.from_dict(
            everyone,
            dims={named: ["customer"]},
            coords=labels if "log_likelihood" not in everyone else {},
        ).children.items():
            tree[group] = part
        return self._with_cells(tree)

    @property
    def _by_parameter(self) -> Any:
        """What there is where no customer can be told by the cell: posterior, prior, the cells."""
        assert self.replicates is not None
        moving = self.density.likelihood
        drawn = self.density.prior_draws(self.replicates.shape[1], self.seed % 2**31)
        prior = moving.believed(np.stack(list(drawn.values()), axis=-1))[None]
        names = self.likelihood.space.names
        tree = arviz_base.from_dict(
            {"posterior": _by_name(names, self.replicates), "prior": _by_name(names, prior)}
        )
        return self._with_cells(tree)

    def _with_cells(self, tree: Any) -> Any:
        """The cells, and the sampler's statistics, put beside what a tree has."""
        data = dict(zip((*self.density.model.columns, "weight"), self.density.arrays, strict=True))
        tree["constant_data"] = arviz_base.from_dict(
            {"constant_data": data}, dims={name: ["cell"] for name in data}
        )["constant_data"]
        if self.stats is not None:
            tree["sample_stats"] = type(tree)(self.stats)
        return tree

    def loo(self) -> Any:
        """The leave-one-customer-out elpd of the full table, whatever its size.

        A cell's customers have the same elpd, so it is computed once per cell by Pareto-smoothed
        importance sampling and counted by weight. As ``az.loo`` of one row per customer. Somebody
        who first bought on the last day (T = 0) has a log-likelihood of 0 whatever the parameters:
        an elpd of 0, and a Pareto k of 0.

        Returns
        -------
        ELPDData
            For ``az.compare({"one": fit.loo(), "other": other.loo()})``.

        Warns
        -----
        RegularityWarning
            If the model is one of regular buyers, k > 1.
        """
        import arviz_stats

        if self.replicates is None:
            raise FitError("A posterior mode has no draws to leave customers out of; use 'nuts'.")
        self.likelihood.assert_by_customer()
        order: Any = getattr(self.likelihood.model, "order", None)
        if order is not None and order > 1:
            warn(
                f"This elpd of {self.likelihood.title} lacks what the times between purchases add "
                "whatever the parameters, which no cell tells: it compares with that of models of "
                "the same k alone. Compare others by aic of engine='mle', or by pc.backtest.",
                RegularityWarning,
            )
        arrays = self.density.arrays
        weight = arrays[-1].astype(int)
        posterior = arviz_base.from_dict(
            {"posterior": _by_name(self.density.model.names(), self.replicates)}
        )
        samples = self.replicates.shape[0] * self.replicates.shape[1]
        step = max(1, _CHUNK // samples)
        parts, fitted = [], []
        elpd_of_cell, k_of_cell = np.zeros(weight.size), np.zeros(weight.size)
        for first in range(0, weight.size, step):
            columns = tuple(column[first : first + step] for column in arrays[:-1])
            values = _log_likelihoods(self.density.model, self.replicates, columns)
            fitted.append(logsumexp(values, axis=(0, 1)) - np.log(samples))
            varies = _varies(values)
            elpd_of_cell[first : first + step] = values[0, 0]  # where no draw differs
            if not varies.any():
                continue
            tree = posterior.copy()
            tree["log_likelihood"] = arviz_base.from_dict(
                {"log_likelihood": {"cell": values[..., varies]}}
            )["log_likelihood"]
            part = arviz_stats.loo(tree, pointwise=True)
            parts.append(part)
            places = first + np.flatnonzero(varies)
            elpd_of_cell[places], k_of_cell[places] = (
                part.elpd_i.to_numpy(), part.pareto_k.to_numpy(),
            )  # fmt: skip
        elpd, k_hat = np.repeat(elpd_of_cell, weight), np.repeat(k_of_cell, weight)
        wrapped = arviz_base.from_dict(
            {"log_likelihood": {"elpd": elpd, "k": k_hat}},
            sample_dims=[],
            dims={"elpd": ["customer"], "k": ["customer"]},
        )["log_likelihood"]
        return replace(
            parts[0],
            elpd=float(elpd.sum()),
            se=float(np.sqrt(elpd.size * elpd.var(ddof=1))),
            p=float(weight @ np.concatenate(fitted) - elpd.sum()),
            n_data_points=elpd.size,
            warning=any(part.warning for part in parts),
            elpd_i=wrapped["elpd"],
            pareto_k=wrapped["k"],
            log_weights=None,
        )


@dataclass(frozen=True, eq=False)
class Remembered(FieldsAlone):
    """The draws of a saved posterior, without its data."""

    names: tuple[str, ...]
    replicates: NDArray
    pymc_model: Any = None

    @once
    def idata(self) -> Any:
        """DataTree with the group posterior alone."""
        return arviz_base.from_dict({"posterior": _by_name(self.names, self.replicates)})

    def loo(self) -> Any:
        """Refused: the customers are not there."""
        raise FitError("A saved fit does not hold the cells it was fitted to; fit again for loo.")


def _varies(log_likelihoods: NDArray) -> NDArray:
    """Of (chains, draws, n), whose log-likelihood is not the same in every draw, shape (n,)."""
    return np.ptp(log_likelihoods, axis=(0, 1)) > 1e-12  # rounding of a 0


def _by_name(names: tuple[str, ...], values: NDArray) -> dict[str, NDArray]:
    return {name: values[..., i] for i, name in enumerate(names)}


def _each(model: type[Model], replicates: NDArray) -> Model:
    """The model at all draws at once, parameters of shape (chains * draws, 1)."""
    flat = replicates.reshape(-1, replicates.shape[-1])
    return model(*(flat[:, i : i + 1] for i in range(flat.shape[1])))


def _predicted(
    model: type[Model], replicates: NDArray, chosen: list[NDArray], rng: np.random.Generator
) -> NDArray:
    """Repeat purchases, or mean spend, simulated for customers, (chains, draws, n)."""
    drawn = _each(model, replicates)
    shape = (*replicates.shape[:2], chosen[0].size)
    if isinstance(drawn, PurchaseModel):
        return drawn.simulate(chosen[2], rng)[0].reshape(shape)
    if not isinstance(drawn, SpendModel):
        return drawn.predicted(chosen, rng).reshape(shape)
    x = np.broadcast_to(chosen[0], (shape[0] * shape[1], shape[2]))
    # Given nu, the mean of x Gamma(p, nu) purchases is Gamma(p x, nu) over x.
    nu = rng.gamma(drawn.q, size=x.shape) / drawn.v  # type: ignore[attr-defined]
    return (rng.gamma(drawn.p * x) / (nu * x)).reshape(shape)  # type: ignore[attr-defined]


def _log_likelihoods(
    model: type[Model], replicates: NDArray, columns: tuple[NDArray, ...]
) -> NDArray:
    """Log-likelihood of each cell's one customer under each draw, (chains, draws, n_cells)."""
    flat = replicates.reshape(-1, replicates.shape[-1])
    values = np.empty((len(flat), columns[0].size))
    step = max(1, _CHUNK // max(1, columns[0].size))
    for first in range(0, len(flat), step):
        drawn = _each(model, flat[None, first : first + step])
        values[first : first + step] = drawn.log_likelihood(*columns)
    return values.reshape(*replicates.shape[:2], -1)
