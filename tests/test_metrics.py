"""Metrics: each equals an independent calculation, and gives known forecasts what they must get."""

import itertools

import numpy as np
import pytest
from scipy.stats import kendalltau, poisson

from predclv.errors import DataError, OptionError
from predclv.validation import calibration, metrics, ranking

ACTUAL = np.array([0, 0, 3, 1, 0, 7, 0, 1, 2, 0])
SAID = np.array([0.1, 0.4, 2.5, 0.4, 0.2, 4.0, 1.5, 0.9, 0.9, 0.4])
PERFECT, REVERSED = ACTUAL.astype(float), -ACTUAL.astype(float)
CONSTANT = np.full(10, 1.4)


class Listed:
    """Distributions of counts 0, 1, ... written out, one row per customer."""

    def __init__(self, probabilities):
        self.table = np.asarray(probabilities, float)

    def mass(self, counts):
        inside = np.asarray(counts) < self.table.shape[1]
        columns = np.where(inside, counts, 0)
        return np.where(inside, self.table[np.arange(len(self.table)), columns], 0.0)

    def below(self, counts):
        before = np.column_stack([np.zeros(len(self.table)), np.cumsum(self.table, axis=1)])
        return before[np.arange(len(self.table)), np.minimum(counts, self.table.shape[1])]

    def parts(self):
        half = len(self.table) // 2  # in an order of its own, as the real ones may be
        for rows in (np.arange(half, len(self.table)), np.arange(half)):
            yield rows, np.arange(self.table.shape[1], dtype=float), self.table[rows]


@pytest.fixture(scope="module")
def poissons():
    mass = poisson.pmf(np.arange(60), SAID[:, None])
    return Listed(mass / mass.sum(axis=1, keepdims=True))


def orders(values):
    """All orders from high to low of values, equals in every way: their indices."""
    groups = [np.flatnonzero(values == level) for level in np.unique(values)[::-1]]
    for parts in itertools.product(*(itertools.permutations(group) for group in groups)):
        yield np.concatenate(parts).astype(int)


# Numbers by hand ---------------------------------------------------------------------------------


def test_errors_of_point_forecasts_are_those_by_hand():
    off = [abs(said - came) for said, came in zip(SAID, ACTUAL, strict=True)]
    assert metrics.mean_absolute_error(SAID, ACTUAL) == pytest.approx(sum(off) / 10)
    squares = sum(each**2 for each in off) / 10
    assert metrics.root_mean_squared_error(SAID, ACTUAL) == pytest.approx(squares**0.5)
    assert metrics.bias(SAID, ACTUAL) == pytest.approx(11.3 / 14 - 1)


def test_spearman_is_the_correlation_of_mean_ranks():
    ranks = [
        np.array([np.sum(v < each) + (np.sum(v == each) + 1) / 2 for each in v])
        for v in (SAID, ACTUAL)
    ]
    expected = np.corrcoef(*ranks)[0, 1]
    assert metrics.spearman(SAID, ACTUAL) == pytest.approx(expected)
    assert metrics.spearman(SAID, ACTUAL) != pytest.approx(kendalltau(SAID, ACTUAL).statistic)


def test_gini_is_the_area_between_gain_curves_averaged_over_the_orders_of_equals():
    def area(order):
        return np.sum(np.cumsum(ACTUAL[order])) - ACTUAL.sum() * (ACTUAL.size + 1) / 2

    expected = np.mean([area(order) for order in orders(SAID)])
    best = area(np.argsort(-ACTUAL))
    assert metrics.gini(SAID, ACTUAL) == pytest.approx(expected / best)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.4, 0.5])
def test_what_the_top_captures_is_its_mean_over_the_orders_of_equals(share):
    places = round(share * 10)
    expected = np.mean([ACTUAL[order[:places]].sum() for order in orders(SAID)]) / ACTUAL.sum()
    assert metrics.top_decile_capture(SAID, ACTUAL, share) == pytest.approx(expected)


def test_a_tenth_that_is_no_whole_number_counts_a_customer_in_part():
    said, came = np.arange(15.0), np.arange(15)
    assert metrics.top_decile_capture(said, came) == pytest.approx((14 + 0.5 * 13) / came.sum())


def test_brier_and_auc_are_those_by_hand():
    p, active = np.array([0.9, 0.4, 0.4, 0.1, 0.7]), np.array([1, 0, 1, 0, 0])
    assert metrics.brier(p, active) == pytest.approx((0.01 + 0.16 + 0.36 + 0.01 + 0.49) / 5)
    pairs = [(p[i] > p[j]) + 0.5 * (p[i] == p[j]) for i in (0, 2) for j in (1, 3, 4)]
    assert metrics.auc(p, active) == pytest.approx(np.mean(pairs))


def test_crps_is_the_squared_distance_of_distribution_functions(poissons):
    cumulated = np.cumsum(poissons.table, axis=1)
    step = ACTUAL[:, None] <= np.arange(60)
    expected = np.sum((cumulated - step) ** 2, axis=1).mean()
    assert metrics.crps(poissons, ACTUAL) == pytest.approx(expected, rel=1e-12)


def test_the_crps_of_a_certain_forecast_is_its_absolute_error():
    certain = Listed(np.eye(10)[[0, 1, 2, 3, 0, 5, 1, 0, 2, 9]])
    said = certain.table @ np.arange(10)
    expected = metrics.mean_absolute_error(said, ACTUAL)
    assert metrics.crps(certain, ACTUAL) == pytest.approx(expected)


def test_the_crps_forgives_rounding_and_nothing_else(poissons):
    table = poissons.table.copy()
    table[:, -1] = -7e-16
    found = metrics.crps(Listed(table), ACTUAL)
    assert found == pytest.approx(metrics.crps(poissons, ACTUAL))
    table[:, -1] = -1e-3
    with pytest.raises(ValueError, match="negative"):
        metrics.crps(Listed(table), ACTUAL)


def test_the_log_score_is_the_mean_surprise(poissons):
    expected = -poisson.logpmf(ACTUAL, SAID).mean()
    assert metrics.log_score(poissons, ACTUAL) == pytest.approx(expected)


def test_what_was_thought_impossible_makes_the_log_score_infinite():
    assert metrics.log_score(Listed(np.eye(10)), np.append(np.arange(9), 0)) == np.inf


def test_coverage_counts_both_bounds_and_width_is_their_distance():
    lower, upper = np.zeros(10), np.full(10, 1.0)
    assert metrics.coverage(lower, upper, ACTUAL) == 0.7
    assert metrics.width(lower, upper + np.arange(10)) == 5.5


# Perfect, constant and reversed forecasts --------------------------------------------------------


def test_a_perfect_forecast_has_no_error_and_the_best_ranks():
    assert metrics.mean_absolute_error(PERFECT, ACTUAL) == 0
    assert metrics.root_mean_squared_error(PERFECT, ACTUAL) == 0
    assert metrics.bias(PERFECT, ACTUAL) == 0
    assert metrics.spearman(PERFECT, ACTUAL) == pytest.approx(1)
    assert metrics.gini(PERFECT, ACTUAL) == pytest.approx(1)
    assert metrics.top_decile_capture(PERFECT, ACTUAL) == pytest.approx(7 / 14)
    assert metrics.crps(Listed(np.eye(10)[ACTUAL]), ACTUAL) == 0
    assert metrics.log_score(Listed(np.eye(10)[ACTUAL]), ACTUAL) == 0
    assert metrics.brier(ACTUAL > 0, ACTUAL > 0) == 0
    assert metrics.auc(ACTUAL > 0, ACTUAL > 0) == 1
    assert ranking.top_missed(PERFECT, ACTUAL) == 0
    assert ranking.others_taken(PERFECT, ACTUAL) == 0


def test_a_constant_forecast_ranks_nobody():
    assert np.isnan(metrics.spearman(CONSTANT, ACTUAL))
    assert metrics.gini(CONSTANT, ACTUAL) == 0
    assert metrics.top_decile_capture(CONSTANT, ACTUAL) == pytest.approx(0.1)
    assert metrics.bias(CONSTANT, ACTUAL) == pytest.approx(0)
    assert metrics.auc(CONSTANT / 2, ACTUAL > 0) == 0.5
    assert metrics.brier(np.full(10, 0.5), ACTUAL > 0) == 0.25
    assert ranking.top_missed(CONSTANT, ACTUAL) == pytest.approx(0.8)
    assert ranking.others_taken(CONSTANT, ACTUAL) == pytest.approx(0.2)


def test_a_reversed_ranking_gets_the_worst_ranks():
    assert metrics.spearman(REVERSED, ACTUAL) == pytest.approx(-1)
    assert metrics.gini(REVERSED, ACTUAL) == pytest.approx(-1)
    assert metrics.top_decile_capture(REVERSED, ACTUAL) == 0
    assert metrics.auc(1 - (ACTUAL > 0), ACTUAL > 0) == 0
    assert metrics.brier(1 - (ACTUAL > 0), ACTUAL > 0) == 1
    assert ranking.top_missed(REVERSED, ACTUAL) == 1
    assert ranking.others_taken(REVERSED, ACTUAL) == 0.25


def test_forecasting_nothing_beats_the_truth_on_absolute_error():
    # Nine of ten buy with a chance of 0.4: the mean is right, the median is 0.
    came = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    zero, mean = np.zeros(10), np.full(10, 0.4)
    assert metrics.mean_absolute_error(zero, came) < metrics.mean_absolute_error(mean, came)
    assert metrics.root_mean_squared_error(zero, came) > metrics.root_mean_squared_error(mean, came)


# Where a metric is not defined -------------------------------------------------------------------


def test_where_nothing_came_shares_and_ranks_are_not_defined():
    nothing = np.zeros(10)
    for metric in (metrics.bias, metrics.spearman, metrics.gini, metrics.top_decile_capture):
        assert np.isnan(metric(SAID, nothing))
    assert np.isnan(metrics.auc(SAID / 10, nothing))
    assert np.isnan(metrics.auc(SAID / 10, np.ones(10)))
    assert metrics.brier(np.full(10, 0.5), nothing) == 0.25
    assert metrics.mean_absolute_error(SAID, nothing) == pytest.approx(SAID.mean())


def test_an_infinite_expectation_has_infinite_errors_and_still_a_rank():
    said = np.where(SAID > 3, np.inf, SAID)
    assert metrics.mean_absolute_error(said, ACTUAL) == np.inf
    assert metrics.root_mean_squared_error(said, ACTUAL) == np.inf
    assert metrics.bias(said, ACTUAL) == np.inf
    assert metrics.gini(said, ACTUAL) == metrics.gini(SAID, ACTUAL)


def test_arrays_of_other_shapes_and_missing_numbers_are_refused():
    with pytest.raises(DataError, match=r"one shape .* \(2,\) and \(3,\)"):
        metrics.bias([1, 2], [1, 2, 3])
    with pytest.raises(DataError, match="one shape"):
        metrics.gini([], [])
    with pytest.raises(DataError, match="NaN"):
        metrics.mean_absolute_error([1, np.nan], [1, 2])


# Who is on top -----------------------------------------------------------------------------------


def test_deciles_are_groups_of_a_tenth_by_forecast():
    rng = np.random.default_rng(3)
    said, came = rng.gamma(1.0, size=40), rng.poisson(1.0, size=40)
    table = ranking.decile_table(said, came)
    order = np.argsort(-said).reshape(10, 4)
    np.testing.assert_allclose(table["customers"], 4)
    np.testing.assert_allclose(table["predicted"], said[order].mean(axis=1))
    np.testing.assert_allclose(table["actual"], came[order].mean(axis=1))
    np.testing.assert_allclose(table["share"], came[order].sum(axis=1) / came.sum())
    np.testing.assert_allclose(table["lift"], came[order].mean(axis=1) / came.mean())
    assert table["cumulative_share"].iloc[-1] == pytest.approx(1)
    assert table["share"].iloc[0] == pytest.approx(metrics.top_decile_capture(said, came))


def test_deciles_do_not_depend_on_the_order_of_rows_however_many_are_equal():
    rng = np.random.default_rng(4)
    said, came = rng.poisson(0.5, size=103) * 1.0, rng.poisson(1.0, size=103)
    shuffled = rng.permutation(103)
    table = ranking.decile_table(said, came)
    other = ranking.decile_table(said[shuffled], came[shuffled])
    np.testing.assert_allclose(table, other, rtol=1e-9)
    np.testing.assert_allclose(table["customers"], 10.3)
    assert (table["predicted"].diff().dropna() < 1e-9).all()
    assert table["customers"] @ table["actual"] == pytest.approx(came.sum())


def test_more_groups_than_customers_are_refused():
    with pytest.raises(OptionError, match="between 1 and the number of customers, 3; got 10"):
        ranking.decile_table([1, 2, 3], [1, 2, 3])


def test_where_nothing_came_deciles_have_no_share():
    table = ranking.decile_table(SAID, np.zeros(10), groups=5)
    assert table[["share", "lift"]].isna().all(axis=None)
    assert (table["actual"] == 0).all()


@pytest.mark.parametrize("seed", range(6))
def test_misclassified_are_the_mean_over_draws_of_the_best_match_among_equals(seed):
    rng = np.random.default_rng(seed)
    said, came = rng.integers(0, 3, 7), rng.integers(0, 3, 7)
    share = 3 / 7
    edge = np.sort(came)[-3]
    best, equal = set(np.flatnonzero(came > edge)), set(np.flatnonzero(came == edge))
    hits = [
        len(best & top) + min(3 - len(best), len(equal & top))
        for top in (set(order[:3].tolist()) for order in orders(said))
    ]
    assert ranking.top_missed(said, came, share) == pytest.approx(1 - np.mean(hits) / 3)
    assert ranking.others_taken(said, came, share) == pytest.approx((3 - np.mean(hits)) / 4)


def test_a_random_ranking_misses_four_of_five():
    rng = np.random.default_rng(5)
    came = rng.random(5000)
    # 0.2 rightly on top by chance; the standard deviation of that share is 0.011.
    assert ranking.top_missed(rng.random(5000), came) == pytest.approx(0.8, abs=0.04)
    assert ranking.others_taken(rng.random(5000), came) == pytest.approx(0.2, abs=0.01)


def test_a_top_without_anybody_is_refused():
    with pytest.raises(DataError, match="within and outside the top 20%"):
        ranking.top_missed([1, 2], [1, 2])


# Distributions -----------------------------------------------------------------------------------


def test_the_pit_of_right_distributions_is_uniform_and_of_wrong_ones_not():
    rng = np.random.default_rng(6)
    means = rng.gamma(0.5, 2.0, 2000)
    came = rng.poisson(means)
    right = Listed(poisson.pmf(np.arange(80), means[:, None]))
    low = Listed(poisson.pmf(np.arange(80), 0.5 * means[:, None]))
    limit = 1.36 / np.sqrt(2000)  # Kolmogorov's 5% point
    pit = calibration.randomised_pit(right, came, np.random.default_rng(7))
    assert calibration.distance_from_uniform(pit) < limit
    pit = calibration.randomised_pit(low, came, np.random.default_rng(7))
    assert calibration.distance_from_uniform(pit) > 3 * limit
    assert pit.mean() > 0.55  # more came than it thought possible


def test_the_pit_lies_within_the_jump_at_what_came(poissons):
    pit = calibration.randomised_pit(poissons, ACTUAL, np.random.default_rng(8))
    assert (pit >= poisson.cdf(ACTUAL - 1, SAID)).all()
    assert (pit <= poisson.cdf(ACTUAL, SAID)).all()
    again = calibration.randomised_pit(poissons, ACTUAL, np.random.default_rng(8))
    np.testing.assert_array_equal(pit, again)


def test_the_distance_from_uniform_is_kolmogorovs():
    pit = np.array([0.1, 0.2, 0.7])
    steps = [abs(bound - each) for i, each in enumerate(pit) for bound in (i / 3, (i + 1) / 3)]
    assert calibration.distance_from_uniform(pit) == pytest.approx(max(steps))


def test_the_coverage_curve_counts_who_is_within_the_interval_at_each_level(poissons):
    table = calibration.coverage_curve(poissons, ACTUAL)
    assert table.index.name == "nominal"
    for level, row in table.iterrows():
        lower, upper = (poisson.ppf(0.5 * (1 + side * level), SAID) for side in (-1, 1))
        assert row["actual"] == metrics.coverage(lower, upper, ACTUAL)
    assert (table["actual"] >= table["randomised"] - 1e-12).all()


def test_randomised_coverage_of_right_distributions_is_the_level():
    rng = np.random.default_rng(9)
    means = rng.gamma(0.5, 2.0, 4000)
    came = rng.poisson(means)
    right = Listed(poisson.pmf(np.arange(80), means[:, None]))
    table = calibration.coverage_curve(right, came)
    # Standard deviations are at most 0.008.
    np.testing.assert_allclose(table["randomised"], table.index, atol=0.025)
    drawn = calibration.coverage_curve(right, came, rng=np.random.default_rng(10))
    np.testing.assert_allclose(drawn["randomised"], table["randomised"], atol=0.025)
    assert table["actual"].iloc[0] > 0.3  # half of them buy nothing, and counts are whole
