"""The specification of "auto" written down once more, from its formulas alone, beside the package.

    uv run python benchmarks/forecaster_reference.py FOLDER [--only LOG] [--splits N]

Nothing of predclv makes these forecasts: customers one by one, slopes by differences, tails by
SciPy's negative binomial. The splits are those of quality.py. results/forecaster_reference.csv has
CRPS relative to MBG/NBD's, of the specification with all of its components (the age clock too,
which the package does not have), of the same without the age clock, and of the package as
quality.csv says.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from quality import LOGS, opened, splits_of
from quality import RESULTS as MEASURED
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, softmax
from scipy.stats import nbinom

RESULTS = Path(__file__).parent / "results" / "forecaster_reference.csv"
COMPONENTS = {  # harmonics, events per purchase, age
    "em": (0, 1, False),
    "Aem": (0, 1, True),
    "Fem": (2, 1, False),
    "k2Fem": (2, 2, False),
    "k3Fem": (2, 3, False),
}


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("folder", type=Path)
    ask.add_argument("--only", help="one log")
    ask.add_argument("--splits", type=int, default=10_000, help="of each log, at most")
    asked = ask.parse_args()
    found = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame()
    measured = pd.read_csv(MEASURED)
    for name, file in LOGS.items():
        if asked.only not in (None, name):
            continue
        log = opened(file, asked.folder)
        if log is None or log["customer_id"].nunique() > 6000:
            continue
        bought = purchase_days(log)
        for cut, weeks in splits_of(log)[: asked.splits]:
            same = (measured["log"] == name) & (measured["cut"] == str(cut))
            own = measured[same & (measured["weeks"] == weeks)].set_index("forecaster")["crps"]
            first = pd.Timestamp(pd.to_datetime(log["date"]).min()).normalize()
            t0 = (pd.Timestamp(cut) - first).days
            row = {"log": name, "cut": cut, "weeks": weeks, **of_split(bought, t0, 7 * weeks)}
            for ours, theirs in (("package_em", "em"), ("package_auto", "auto")):
                if len(own):
                    row[ours] = own[theirs] / own["MBG/NBD"]
            told = {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
            print(told, flush=True)
            found = pd.concat([found, pd.DataFrame([row])], ignore_index=True)
            found.to_csv(RESULTS, index=False, float_format="%.6g")
    print(found.groupby("log").mean(numeric_only=True).to_string(float_format="{:.3f}".format))


def purchase_days(log: pd.DataFrame) -> pd.DataFrame:
    """Customer and day, once each, sorted; days from the log's first."""
    day = pd.to_datetime(log["date"]).dt.normalize()
    frame = pd.DataFrame(
        {"id": pd.factorize(log["customer_id"])[0], "day": (day - day.min()).dt.days}
    )
    return (
        frame.drop_duplicates().sort_values(["id", "day"]).assign(doy0=int(day.min().day_of_year))
    )


class Known:
    """What is known on a day: histories of customers, and purchases in their order."""

    def __init__(self, bought: pd.DataFrame, t0: int) -> None:
        self.t0, self.doy0 = t0, int(bought["doy0"].iloc[0])
        past = bought[bought["day"] <= t0]
        self.ids, code = np.unique(past["id"], return_inverse=True)
        self.day = past["day"].to_numpy()
        first = np.flatnonzero(np.append(True, code[1:] != code[:-1]))
        self.x = np.diff(np.append(first, code.size)) - 1
        self.f, self.l = self.day[first], self.day[first + self.x]
        later = np.ones(code.size, bool)
        later[first] = False
        self.owner, self.q, self.p = (
            code[later],
            self.day[later],
            self.day[np.flatnonzero(later) - 1],
        )
        self.rank = np.arange(code.size)[later] - first[self.owner]
        self.z = np.exp(-self.f / 91)

    def came(self, bought: pd.DataFrame, since: int, until: int) -> np.ndarray:
        """Purchases of the customers in (since, until]."""
        rows = bought[(bought["day"] > since) & (bought["day"] <= until)]
        return rows.groupby("id").size().reindex(self.ids, fill_value=0).to_numpy()


def log_series(R, z, k):
    S, term = np.ones_like(R), np.ones_like(R)
    for j in range(1, k):
        term = term * (R + j - 1) / j * z
        S = S + term
    return np.log(S)


class Component:
    def __init__(self, known: Known, harmonics: int, k: int, age: bool, memory=True, drift=True):
        self.d, self.K, self.k, self.age, self.drift = known, harmonics, k, age, drift
        n = len(known.ids)
        bounds = [(-7, 9)] * 4 + [(-4, 4)] * (2 * harmonics) + [(-4, 4)] * drift + [(0, 2)] * age
        starts = [np.log([1, 4 / k, 1, 3]), np.log([0.4, 10 / k, 0.5, 2])]
        more = np.zeros(2 * harmonics + drift + age)
        options = {"ftol": 1e-10, "gtol": 1e-6, "maxiter": 300}
        fits = [
            minimize(lambda v: -self.stage1(v) / n, np.append(s, more), method="L-BFGS-B",
                     bounds=bounds, options=options)
            for s in starts
        ]  # fmt: skip
        best = min(fits, key=lambda each: each.fun).x
        self.free, self.rho = best, 0.0
        if memory:
            of_memory = {"bounds": [(-7, 9)] * 4 + [(-9, 0)], "options": options}
            start = np.append(best[:4], -5.0)
            at = minimize(lambda v: -self.stage2(v) / n, start, method="L-BFGS-B", **of_memory)
            self.free = np.append(at.x[:4], best[4:])
            self.rho = float(np.exp(at.x[4]))

    def parts(self, v):
        r, alpha, a, b = np.exp(v[:4])
        th, rest = v[4 : 4 + 2 * self.K], v[4 + 2 * self.K :]
        gamma = rest[0] if self.drift else 0.0
        delta = rest[-1] if self.age else 0.0
        return r, alpha * np.exp(gamma * self.d.z), a, b, th, gamma, delta

    def clock(self, th, until):
        u = np.arange(1, until + 1)
        phi = 2 * np.pi * ((u + self.d.doy0) % 365.25) / 365.25
        eta = np.zeros(u.size)
        for m in range(1, self.K + 1):
            eta += th[2 * m - 2] * np.sin(m * phi) + th[2 * m - 1] * np.cos(m * phi)
        s = np.exp(eta) / np.exp(eta[: self.d.t0]).mean()
        return np.concatenate([[0.0], np.cumsum(s)]) / 7, s

    def elapsed(self, th, delta, until):
        """The operational time from a customer's first day to another, as a function."""
        if self.age:
            v = np.arange(1, until + 1)
            G = np.concatenate([[0.0], np.cumsum((1 + v / 28.0) ** -delta)]) / 7
            return (lambda f, day: G[day - f]), None
        Lam, s = self.clock(th, until)
        return (lambda f, day: Lam[day] - Lam[f]), s

    def stage1(self, v):
        d, k = self.d, self.k
        r, alpha, a, b, th, gamma, delta = self.parts(v)
        since, s = self.elapsed(th, delta, d.t0)
        tx, T = since(d.f, d.l), since(d.f, np.full_like(d.f, d.t0))
        R = r + k * d.x
        z = (T - tx) / (alpha + T)
        l1 = betaln(a, b + d.x + 1) - betaln(a, b) - R * np.log(alpha + T) + log_series(R, z, k)
        l2 = betaln(a + 1, b + d.x) - betaln(a, b) - R * np.log(alpha + tx)
        cell = gammaln(R) - gammaln(r) + r * np.log(alpha) - d.x * gammaln(k) + np.logaddexp(l1, l2)
        value = cell.sum()
        if s is not None:
            value += np.log(s[d.q - 1]).sum()
        else:
            value -= delta * np.log1p((d.q - d.f[d.owner]) / 28).sum()
        if k > 1:
            value += (k - 1) * np.log(since(d.p, d.q)).sum()
        m = np.repeat(np.arange(1, self.K + 1), 2)
        return value - 0.5 * ((m / 0.3 * th) ** 2).sum() - 0.5 * gamma**2 - 0.5 * delta**2

    def walked(self, r, alpha, rho, since):
        """R, A just after each customer's last purchase, and the log density of all gaps."""
        d, k = self.d, self.k
        U, last, value = np.zeros(d.x.size), np.zeros(d.x.size), 0.0
        born = d.f[d.owner]
        tau = since(born, d.q)
        for j in range(1, int(d.x.max(initial=0)) + 1):
            now = d.rank == j
            i, t = d.owner[now], tau[now]
            gap = t - last[i]
            R, A = r + k * U[i], alpha[i] + window(rho, last[i])
            value += (
                gammaln(R + k) - gammaln(R) - gammaln(k) + (k - 1) * np.log(gap)
                + R * np.log(A) - (R + k) * np.log(A + gap)
            ).sum()  # fmt: skip
            U[i] = 1.0 + np.exp(-rho * gap) * U[i]
            last[i] = t
        return r + k * U, alpha + window(rho, last), last, value

    def stage2(self, v):
        d, k = self.d, self.k
        own = np.append(v[:4], self.free[4:])
        r, alpha, a, b, th, _, delta = self.parts(own)
        rho = np.exp(v[4])
        since, _ = self.elapsed(th, delta, d.t0)
        R, A, last, value = self.walked(r, alpha, rho, since)
        silent = since(d.f, np.full_like(d.f, d.t0)) - last
        S = R * np.log(A / (A + silent)) + log_series(R, silent / (A + silent), k)
        value += np.logaddexp(
            S + betaln(a, b + d.x + 1) - betaln(a, b), betaln(a + 1, b + d.x) - betaln(a, b)
        ).sum()
        return value - 0.5 * (v[4] + 4) ** 2

    def tails(self, h):
        """P(N >= n) for n = 1, 2, ..., shape (customers, counts)."""
        d, k = self.d, self.k
        r, alpha, a, b, th, _, delta = self.parts(self.free)
        since, _ = self.elapsed(th, delta, d.t0 + h)
        end = np.full_like(d.f, d.t0)
        R, A, last, _ = self.walked(r, alpha, self.rho, since)
        T = since(d.f, end)
        t = since(d.f, end + h) - T
        silent = T - last
        aT, z = A + silent, silent / (A + silent)
        S = R * np.log(A / aT) + log_series(R, z, k)
        l1, l2 = S + betaln(a, b + d.x + 1), betaln(a + 1, b + d.x)
        w1, q = np.exp(l1 - np.logaddexp(l1, l2)), t / (aT + t)
        W, term = [np.ones_like(z)], np.ones_like(z)
        for j in range(1, k):
            term = term * (R + j - 1) / j * z
            W.append(term)
        W = np.array(W) / np.sum(W, axis=0)
        m = (R * t / aT / k).max()
        most = int(min(h, m + 7 * np.sqrt(m * (1 + (t / aT).max())) + 25))
        found = []
        for n in range(1, most + 1):
            arrives = sum(W[j] * nbinom.sf(n * k - j - 1, R + j, 1 - q) for j in range(k))
            stays = np.exp(betaln(a, b + d.x + n) - betaln(a, b + d.x + 1))
            found.append(w1 * arrives * stays)
        return np.column_stack(found)


def window(rho, tau):
    return tau if rho == 0 else -np.expm1(-rho * tau) / rho


def last_nb(bought, known: Known, h: int):
    own = h if known.t0 >= 2 * h else known.t0 // 2
    before = Known(bought, known.t0 - own)
    c = before.came(bought, known.t0 - 2 * own, known.t0 - own)
    y = before.came(bought, known.t0 - own, known.t0)

    def loss(v):
        mean, size = np.exp(v[0]) + np.exp(v[1]) * c, np.exp(v[2] + v[3] * np.log1p(c))
        return -nbinom.logpmf(y, size, size / (size + mean)).mean()

    starts = ([-2.0, -0.7, 0.0, 0.5], [-1.0, -1.5, -0.5, 0.0])
    v = min((minimize(loss, s, method="Nelder-Mead", options={"maxiter": 4000}) for s in starts),
            key=lambda each: each.fun).x  # fmt: skip
    c = known.came(bought, known.t0 - own, known.t0)
    mean = (np.exp(v[0]) + np.exp(v[1]) * c) * h / own
    size = np.exp(v[2] + v[3] * np.log1p(c))
    return np.column_stack([nbinom.sf(n - 1, size, size / (size + mean)) for n in range(1, 80)])


def forecasts(bought, t0, h, names):
    """The tails of each component at a day; seasonal ones have a twin without under a year."""
    known, found, twins = Known(bought, t0), {}, {}
    for name in names:
        if name == "lastNB":
            found[name] = last_nb(bought, known, h)
            continue
        harmonics, k, age = COMPONENTS[name]
        key = (harmonics if t0 >= 364 else 0, k, age)
        if key not in twins:
            twins[key] = Component(known, *key).tails(h)
        found[name] = twins[key]
    return known, found


def losses(tails: dict, y):
    width = max(max(t.shape[1] for t in tails.values()), int(y.max()) + 1)
    actual = np.arange(1, width + 1) <= y[:, None]
    away = {n: np.pad(t, ((0, 0), (0, width - t.shape[1]))) - actual for n, t in tails.items()}
    return np.array([[(p * q).sum() / y.size for q in away.values()] for p in away.values()])


def weights(Q, prior):
    def objective(free):
        w = softmax(free)
        v = np.einsum("oab,a,b->o", Q, w, w)
        sd = np.sqrt(v.var() + 1e-8) if len(Q) > 1 else 0.0
        return v.mean() + sd + 0.1 * ((w - prior) ** 2).sum()

    return softmax(minimize(objective, np.log(prior + 0.01), method="L-BFGS-B").x)


def of_split(bought, t0, h):
    apart = max(-(-h // 2), 91)
    inner = [(t0 - h - i * apart, h) for i in range(3) if t0 - h - i * apart >= apart]
    inner = inner or [(t0 // 2, min(h, t0 - t0 // 2))]
    names = [n for n in COMPONENTS if n != "Fem" or t0 >= 364]
    names += ["lastNB"] if inner[0][0] >= 2 * inner[0][1] else []
    Q = []
    for day, ahead in inner:
        known, tails = forecasts(bought, day, ahead, names)
        y = known.came(bought, day, day + ahead)
        if y.sum() >= 20:
            found = losses(tails, y)
            Q.append(found / found[0, 0])
    known, tails = forecasts(bought, t0, h, names)
    y = known.came(bought, t0, t0 + h)
    own = losses(tails, y)
    plain = Component(known, 0, 1, False, memory=False, drift=False).tails(h)
    mbg = losses({"MBG": plain}, y)[0, 0]
    row = {"em": own[0, 0] / mbg}
    for label, kept in (("whole", names), ("without_age", [n for n in names if n != "Aem"])):
        i = [names.index(n) for n in kept]
        prior = np.ones(len(i))
        prior[0] = 5.0
        prior /= prior.sum()
        w = weights(np.array([q[np.ix_(i, i)] for q in Q]), prior) if Q else prior
        row[label] = w @ own[np.ix_(i, i)] @ w / mbg
        row[f"weights_{label}"] = ", ".join(f"{n} {v:.2f}" for n, v in zip(kept, w, strict=True))
    return row


if __name__ == "__main__":
    sys.exit(main())
