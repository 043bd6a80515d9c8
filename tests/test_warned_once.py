"""What is odd about a log is said once per call, by all that read one."""

import warnings

import pandas as pd
import pytest
from conftest import SHARED

import predclv as pc
from predclv.errors import DuplicateWarning, LargeOrderWarning, PredclvWarning, RefundWarning

MEAN = pc.baselines.MeanRate()


def backtest(log, **options):
    return pc.backtest(MEAN, log, cutoffs=3, horizon="8 weeks", progress=False, **options)


READERS = {
    "rfm_summary": pc.rfm_summary,
    "backtest": backtest,
    "observed": pc.historical.observed,
    "cohorts": pc.historical.cohorts,
}


def warned(reader, log, **options):
    """The package's warnings of a call, in their order: kind and words."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reader(log, **options)
    return [
        (it.category, str(it.message)) for it in caught if issubclass(it.category, PredclvWarning)
    ]


@pytest.fixture(scope="module")
def twice(cdnow_log):
    return pd.concat([cdnow_log, cdnow_log])


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_log_that_contains_itself_is_said_to_once(reader, twice, cdnow_log):
    (found,) = warned(reader, twice)
    assert found[0] is DuplicateWarning
    assert "On 100% of the days" in found[1]
    assert warned(reader, cdnow_log) == []


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_an_order_far_from_all_others_is_said_once_with_what_to_do(reader, cdnow_log):
    odd = pd.DataFrame({"customer_id": 1, "date": [pd.Timestamp("1997-03-01")], "amount": 1e6})
    ((kind, said),) = warned(reader, pd.concat([cdnow_log, odd]))
    assert kind is LargeOrderWarning
    assert "customer 1 spent 1,000,000.00 on one day" in said
    for advice in ("typing error", "leave its row out", "cancelled", "refunds='net'"):
        assert advice in said


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_the_advice_on_a_cancelled_order_holds(reader, cdnow_log):
    day = [pd.Timestamp("1997-03-01")]
    odd = pd.DataFrame({"customer_id": 1, "date": day, "amount": 1e6})
    log = pd.concat([cdnow_log, odd, odd.assign(amount=-1e6)])
    assert [kind for kind, _ in warned(reader, log)] == [RefundWarning]  # netted, as advised
    dropped = dict(warned(reader, log, refunds="drop"))
    assert set(dropped) == {RefundWarning, LargeOrderWarning}
    assert "this log's refunds were left out (refunds='drop')" in dropped[LargeOrderWarning]


def test_a_summary_has_warned_already(twice):
    with pytest.warns(DuplicateWarning):
        rfm = pc.rfm_summary(twice)
    for reader in (backtest, pc.historical.observed, pc.historical.cohorts):
        assert warned(reader, rfm) == []


def test_the_wholesalers_cancelled_orders_come_with_advice():
    path = SHARED / "online_retail_ii.csv"
    if not path.exists():
        pytest.skip(f"{path.name} is absent")
    ((kind, said),) = warned(pc.rfm_summary, pd.read_csv(path))
    assert kind is LargeOrderWarning
    for word in ("16446", "12346", "refunds='net'"):
        assert word in said
