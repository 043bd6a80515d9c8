"""Random logs, whatever their types and wherever they lie, are counted as a plain loop counts."""

import datetime as dt
import warnings
from decimal import Decimal
from itertools import product

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import predclv as pc
from predclv.errors import ObservationEndWarning, RefundWarning

EPOCH = dt.date(1970, 1, 1)
UNITS = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25}
TEXT_IDS = ["007", "7", "", "NA", "=1+0", "é", "a,b", 'say "x"', " 7", "null", "1e3", "ß\nline"]
IDS = ["int64", "int8", "uint64", "float64", "text", "arrow text", "category", "huge"]
DATES = ["us", "ns", "s", "date", "iso", "iso with time", "zone"]
AMOUNTS = ["float64", "float32", "int64", "int16", "decimal", "none"]
PLACES = ["pandas", "polars", "arrow", "relation", "parquet", "parquet glob", "csv", "csv glob"]


def drawn(rng, id_kind, amount_kind):
    """Rows as (id, second since 1970, amount in cents), and options."""
    n = int(rng.integers(1, 60))
    ids = {
        "text": np.array(TEXT_IDS, dtype=object),
        "arrow text": np.array(TEXT_IDS, dtype=object),
        "category": np.array(TEXT_IDS[:4], dtype=object),
        "huge": np.array([2**53 + 1, 2**53, -(2**62), 2**63 - 1]),
        "uint64": np.array([0, 2**64 - 1, 2**63], dtype="uint64"),
    }
    pool = ids.get(id_kind, np.arange(-6, 7))
    first = int(rng.integers(-30_000, 40_000))  # 1887 to 2079
    span = int(rng.choice([1, 5, 60, 800]))
    seconds = (first + rng.integers(0, span, n)) * 86_400 + rng.integers(0, 86_400, n)
    seconds[rng.random(n) < 0.2] = first * 86_400 + rng.choice([0, 86_399])  # both ends of a day
    cents = rng.integers(0, 20_000, n)
    if rng.random() < 0.4:
        cents[rng.random(n) < 0.2] *= -1
    if amount_kind in ("int64", "int16"):
        cents = cents // 100 * 100
    options = {
        "unit": str(rng.choice(list(UNITS))),
        "refunds": str(rng.choice(["net", "drop"])),
        "amount": None if amount_kind == "none" else "amount",
    }
    if rng.random() < 0.5:
        end = EPOCH + dt.timedelta(days=first + span - 1 + int(rng.integers(-span // 2, 300)))
        options["observation_end"] = str(end)
    rows = rng.choice(pool, n), seconds, cents
    return rows, options


def recounted(rows, options, days):
    """customer: (frequency, recency, age, spend in cents) by a plain loop."""
    end = options.get("observation_end")
    last = max(days) if end is None else (dt.date.fromisoformat(end) - EPOCH).days
    with_spend = options["amount"] is not None
    bought, spent = {}, {}
    for customer, day, cents in zip(rows[0].tolist(), days, rows[2].tolist(), strict=True):
        if day > last:
            continue
        if with_spend and cents < 0:
            if options["refunds"] == "net":
                spent[customer, day] = spent.get((customer, day), 0) + cents
            continue
        bought.setdefault(customer, set()).add(day)
        spent[customer, day] = spent.get((customer, day), 0) + cents
    return {
        customer: (
            len(own) - 1,
            max(own) - min(own),
            last - min(own),
            sum(spent[customer, day] for day in own) - spent[customer, min(own)],
        )
        for customer, own in bought.items()
    }


def frame_of(rows, id_kind, date_kind, amount_kind):
    ids, seconds, cents = rows
    stamps = pd.Series(seconds.astype("datetime64[s]"))
    dates = {
        "date": lambda: pd.Series([stamp.date() for stamp in stamps], dtype=object),
        "iso": lambda: stamps.dt.strftime("%Y-%m-%d"),
        "iso with time": lambda: stamps.dt.strftime("%Y-%m-%d %H:%M:%S"),
        "zone": lambda: stamps.dt.as_unit("us").dt.tz_localize("Etc/GMT-9"),
    }
    date = dates.get(date_kind, lambda: stamps.dt.as_unit(date_kind))()
    if amount_kind == "decimal":
        amount = pd.Series([Decimal(int(it)) / 100 for it in cents], dtype=object)
    else:
        kind = "float64" if amount_kind == "none" else amount_kind
        amount = pd.Series(cents / 100).astype(kind)
    kinds = {"text": "str", "arrow text": pd.ArrowDtype(pa.string()), "huge": "int64"}
    customer = pd.Series(ids).astype(kinds.get(id_kind, id_kind))
    return pd.DataFrame({"customer_id": customer, "date": date, "amount": amount})


def placed(frame, place, folder):
    """The log where it is to lie."""
    half = len(frame) // 2
    parts = [part for part in (frame[:half], frame[half:]) if len(part)]
    if place == "pandas":
        return frame
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if place == "polars":
        return pl.from_arrow(table)
    if place == "arrow":
        return table
    if place == "relation":
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'Etc/GMT-9'")
        connection.register("log", table)
        return connection.table("log")
    for number, part in enumerate([frame] if "glob" not in place else parts):
        if "csv" in place:
            part.to_csv(folder / f"{number}.csv", index=False)
        else:
            pq.write_table(
                pa.Table.from_pandas(part, preserve_index=False), folder / f"{number}.parquet"
            )
    ending = place.partition(" ")[0]
    return str(folder / ("*" if "glob" in place else "0")) + f".{ending}"


def assert_counted_alike(seed, id_kind, date_kind, amount_kind, place, folder):
    rows, options = drawn(np.random.default_rng(seed), id_kind, amount_kind)
    if date_kind == "zone" and place == "relation":
        options["timezone"] = "Etc/GMT-9"  # a relation's instants have no zone of their own
    days = [int(second // 86_400) for second in rows[1].tolist()]
    expected = recounted(rows, options, days)
    case = f"seed {seed}: {id_kind}, {date_kind}, {amount_kind}, {place}, {options}"
    if place.startswith("csv") and (id_kind in ("text", "arrow text", "category")):
        rows = (np.array([f"x{it}" for it in rows[0]], dtype=object), *rows[1:])  # no '' in CSV
        expected = {f"x{customer}": own for customer, own in expected.items()}
    stays_text = id_kind == "float64" or (id_kind == "uint64" and rows[0].max() >= 2**63)
    if place.startswith("csv") and stays_text:  # in the file it is no 64-bit integer
        decimals = ".1f" if id_kind == "float64" else "d"
        expected = {f"{customer:{decimals}}": own for customer, own in expected.items()}
    source = placed(frame_of(rows, id_kind, date_kind, amount_kind), place, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RefundWarning)
        warnings.simplefilter("ignore", ObservationEndWarning)
        warnings.filterwarnings("ignore", message=r".* after observation_end")
        warnings.filterwarnings("ignore", message=r".* if ids did not differ by spaces")
        if not expected:
            with pytest.raises(pc.errors.DataError):
                pc.rfm_summary(source, **options)
            return
        rfm = pc.rfm_summary(source, **options)
    unit = UNITS[options["unit"]]
    frame = rfm.frame
    assert frame["customer_id"].tolist() == sorted(expected), case
    for row in frame.itertuples():
        frequency, recency, age, cents = expected[row.customer_id]
        assert row.frequency == frequency, case
        assert row.recency == recency / unit, case
        assert age / unit == row.T, case
        if options["amount"] is not None:
            mean = cents / 100 / frequency if frequency else 0.0
            # cents divided twice here and units divided twice there: two roundings each
            assert row.monetary_value == pytest.approx(mean, rel=1e-15, abs=0.0), case


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_random_logs_are_counted_as_a_plain_loop_counts_them(place, tmp_path):
    """Any three of ids, dates, amounts and places meet in one of 896 logs."""
    here = PLACES.index(place)
    for (i, id_kind), (d, date_kind), turn in product(enumerate(IDS), enumerate(DATES), range(2)):
        seed = ((here * len(IDS) + i) * len(DATES) + d) * 2 + turn
        amount_kind = AMOUNTS[(i + d + here + 3 * turn) % len(AMOUNTS)]
        folder = tmp_path / str(seed)
        folder.mkdir()
        assert_counted_alike(seed, id_kind, date_kind, amount_kind, place, folder)
