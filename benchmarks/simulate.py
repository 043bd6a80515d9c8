"""Simulated customers and order logs, the same for every package measured; seeded."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import predclv as pc

PURCHASES = pc.BGNBD(r=0.2426, alpha=4.4136, a=0.7929, b=2.4259)  # CDNOW's, in weeks
SPEND = pc.GammaGamma(p=6.25, q=3.74, v=15.44)
FOLDER = Path(__file__).parent / "data"


def summary(customers: int) -> Path:
    """A Parquet summary of CDNOW-like customers acquired over a year; its path."""
    path = FOLDER / f"summary_{customers}.parquet"
    if path.exists():
        return path
    rng = np.random.default_rng(customers)
    T = rng.integers(1, 366, customers)
    x, t_x = PURCHASES.simulate(T / 7, rng)
    recency = np.clip(np.ceil(t_x * 7), x > 0, T)
    x = np.minimum(x, recency).astype(np.int64)
    total = rng.gamma(SPEND.p * np.maximum(x, 1)) / (rng.gamma(SPEND.q, size=customers) / SPEND.v)
    frame = pd.DataFrame(
        {
            "customer_id": np.arange(customers),
            "frequency": x,
            "recency": recency / 7,
            "T": T / 7,
            "monetary_value": np.where(x > 0, np.round(total / np.maximum(x, 1) + 0.01, 2), 0.0),
        }
    )
    FOLDER.mkdir(exist_ok=True)
    frame.to_parquet(path, index=False)
    return path


def log(orders: int) -> Path:
    """A Parquet log of about so many orders over two years, in random order; its path."""
    path = FOLDER / f"log_{orders}.parquet"
    if path.exists():
        return path
    rng = np.random.default_rng(orders)
    FOLDER.mkdir(exist_ok=True)
    written, first_id, chunk = 0, 0, 500_000
    schema = pa.schema(
        [("customer_id", pa.int64()), ("date", pa.timestamp("us")), ("amount", pa.float64())]
    )
    with pq.ParquetWriter(path, schema) as writer:
        while written < orders:
            customers = min(chunk, max(1000, orders // 3))
            born = rng.integers(0, 730, customers)
            traits = PURCHASES.traits((customers,), rng)
            left = (730 - born) / 7
            n, _, _ = traits.purchases(left, rng)
            owner = np.repeat(np.arange(customers), n + 1)
            day = born[owner] + rng.random(owner.size) * (730 - born)[owner]
            day[np.cumsum(n + 1) - 1] = born
            keep = rng.permutation(owner.size)[: orders - written]
            nu = rng.gamma(SPEND.q, size=customers) / SPEND.v
            amount = np.round(rng.gamma(SPEND.p, size=owner.size) / nu[owner] + 0.01, 2)
            instant = np.datetime64("2023-01-01", "us") + (day * 86_400e6).astype("timedelta64[us]")
            writer.write_table(
                pa.table(
                    {
                        "customer_id": (owner + first_id)[keep],
                        "date": instant[keep],
                        "amount": amount[keep],
                    },
                    schema=schema,
                )
            )
            written += keep.size
            first_id += customers
    return path
