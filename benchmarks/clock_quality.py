"""What a clock does to forecasts of real shops: ``uv run python benchmarks/clock_quality.py``.

Four logs of ../shared/data, three days each at which to cut. Purchases until the end of the holdout
are forecast by MBG/NBD and BG/NBD, with and without ``pc.Clock()``, and by the same as last period.
``monthly`` is the mean absolute error of the base's months (``forecast.schedule("month")``), over
the mean month. Writes ``benchmarks/results/clock_quality.csv``, and to
``clock_log_likelihood.csv`` what a season as a regressor gains on apparel, where CLVTools reports
68.1 log-units for Pareto/NBD.
"""

import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

import predclv as pc

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
CUTS = {
    "online_retail_ii": [
        ("2010-12-09", "2011-12-09"),
        ("2011-03-09", "2011-12-09"),
        ("2011-06-09", "2011-12-09"),
    ],
    "rfm_data_orders": [
        ("2003-12-30", "2004-12-29"),
        ("2004-12-30", "2005-12-30"),
        ("2005-12-30", "2006-12-30"),
    ],
    "grocery": [
        ("2006-12-31", "2007-12-30"),
        ("2007-03-31", "2007-12-30"),
        ("2007-06-30", "2007-12-30"),
    ],
    "apparel": [
        ("2006-12-31", "2007-12-31"),
        ("2007-12-31", "2008-12-30"),
        ("2008-12-31", "2009-12-31"),
    ],
}


def forecasters() -> dict[str, object]:
    """Those compared."""
    return {
        "MBG/NBD": pc.CLVModel(pc.MBGNBD, spend=None),
        "MBG/NBD clock": pc.CLVModel(pc.MBGNBD, spend=None, clock=pc.Clock()),
        "BG/NBD": pc.CLVModel(pc.BGNBD, spend=None),
        "BG/NBD clock": pc.CLVModel(pc.BGNBD, spend=None, clock=pc.Clock()),
        "last period": pc.baselines.LastPeriod(),
    }


def monthly_error(forecast: pc.Forecast, log: pd.DataFrame, cut: str, end: str) -> float:
    """Mean absolute error of the months' purchases over the mean month."""
    days = log[["customer_id", "date"]].drop_duplicates()
    days = days.assign(date=pd.to_datetime(days["date"]))
    first = days.groupby("customer_id")["date"].transform("min")
    days = days[(first <= cut) & (days["date"] > cut) & (days["date"] <= end)]
    months = forecast.schedule("month")
    came = np.array(
        [
            days["date"].between(*bounds).sum()
            for bounds in zip(months["start"], months["end"], strict=True)
        ]
    )
    assert came.sum() == len(days)
    return float(np.abs(months["purchases"] - came).sum() / came.sum())


def quality() -> pd.DataFrame:
    """One row per log, cut and forecaster."""
    rows = []
    for name, cuts in CUTS.items():
        log = pd.read_csv(DATA / f"{name}.csv")
        for cut, end in cuts:
            split = pc.holdout_split(
                log, amount=None, calibration_end=cut, holdout_end=end, unit="week"
            )
            start = perf_counter()
            validation = pc.validate(forecasters(), split, seed=1)
            for forecaster, scores in validation.frame.iterrows():
                row = {"log": name, "cut": cut, "end": end, "forecaster": forecaster}
                row |= {c: scores[c] for c in ("bias", "rmse", "crps", "coverage")}
                found = validation.forecasts.get(forecaster)
                row["monthly"] = np.nan if found is None else monthly_error(found, log, cut, end)
                fit = validation.fits.get(forecaster)
                fit = getattr(fit, "purchases", fit)
                clock = getattr(fit, "clock", None)
                row["harmonics"] = sum("sin" in n for n in getattr(clock, "names", ()))
                rows.append(row)
            print(pd.DataFrame(rows[-5:]).round(3).to_string(), f"{perf_counter() - start:.0f} s")
    return pd.DataFrame(rows)


def apparel() -> pd.DataFrame:
    """Log-likelihoods of BG/NBD and MBG/NBD on apparel, with and without a season."""
    rfm = pc.rfm_summary(pd.read_csv(DATA / "apparel.csv"), amount=None)
    weeks = pd.read_csv(DATA / "apparel_season.csv", parse_dates=["week_start"])
    days = weeks.set_index("week_start").rename_axis("date")
    days = days.reindex(pd.date_range(days.index[0], days.index[-1] + pd.Timedelta(days=6)))
    clocks = {
        "none": None,
        "high_season": pc.Clock(season=0, regressors=days.ffill()),
        "season auto": pc.Clock(),
    }
    rows = []
    for model in (pc.BGNBD, pc.MBGNBD):
        for name, clock in clocks.items():
            fit = pc.fit(model, rfm, clock=clock)
            rows.append({"model": model.title, "clock": name, "log_likelihood": fit.log_likelihood})
    table = pd.DataFrame(rows)
    plain = table.groupby("model")["log_likelihood"].transform("first")
    return table.assign(gain=table["log_likelihood"] - plain)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    RESULTS.mkdir(exist_ok=True)
    gained = apparel().round(2)
    print(gained.to_string())
    gained.to_csv(RESULTS / "clock_log_likelihood.csv", index=False)
    quality().round(4).to_csv(RESULTS / "clock_quality.csv", index=False)
