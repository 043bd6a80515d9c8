"""Is "auto" without intervals slower than the sum of its parts?

    uv run python benchmarks/auto_parts.py [ORDERS]

A simulated log of two years. The parts are fitted and asked one by one, today and at the three
earlier days of the pool, each as a user would alone, with one summary a day for all; scores,
weights and the mixture, which the pool makes besides, are left out of them. Seconds of processor
time; everything is compiled before. Prints, and writes nothing.
"""

import datetime
import sys
import time
import warnings

import simulate

import predclv as pc

DAYS, BETWEEN, ORIGINS = 182, 91, 3


def main(orders: int) -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")
    small = pc.rfm_summary(pc.datasets.load_cdnow())
    pc.CLVModel(purchases="auto").fit(small).forecast("13 weeks", level=None).total()
    path = simulate.log(orders)
    start = time.process_time()
    rfm = pc.rfm_summary(path)
    fitted = pc.CLVModel(purchases="auto").fit(rfm)
    assert len(fitted.forecast(f"{DAYS} days", level=None, seed=0).frame) == len(rfm)
    pool = time.process_time() - start
    print(f"{len(rfm):,} customers; auto {pool:.2f} s")
    start, taken = time.process_time(), {}
    cuts = [rfm.observation_end]
    cuts += [cuts[0] - datetime.timedelta(DAYS + BETWEEN * k) for k in range(ORIGINS)]
    summaries = [pc.rfm_summary(path, observation_end=str(cut)) for cut in cuts]
    taken["summaries"] = time.process_time() - start
    for name, member in fitted.recipe.members.items():
        start = time.process_time()
        for each in summaries:
            made = member.fit(each)
            assert len(made.forecast(f"{DAYS} days", level=None, seed=0).frame) == len(each)
        taken[name] = time.process_time() - start
    for name, seconds in taken.items():
        print(f"  {name}: {seconds:.2f} s")
    print(f"  all parts {sum(taken.values()):.2f} s; auto takes {pool / sum(taken.values()):.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 44_000)
