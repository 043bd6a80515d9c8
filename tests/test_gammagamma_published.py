"""Gamma-Gamma: the spend of CDNOW's customers as papers and other packages print it."""

import numpy as np
import pytest
from printed import agrees

import predclv as pc

# Fader & Hardie 2013, note 025: the Gamma-Gamma model of monetary value, CDNOW.
NOTE_025 = pc.GammaGamma(p=6.25, q=3.74, v=15.44)


def test_the_repeat_buyers_spend_what_note_025_says(cdnow, gamma_gamma):
    # Fader & Hardie 2013, note 025: 946 repeat buyers with a mean of $35.08;
    # Fader, Hardie & Lee 2005 (JMR), table 1: minimum 3, quartiles 16, 27, 42, maximum 300,
    # mean 35, standard deviation 30.
    spend = cdnow.frame.query("frequency > 0")["monetary_value"]
    assert len(spend) == gamma_gamma.n_customers == 946
    assert agrees(spend.mean(), "35.08")
    described = spend.describe()[["min", "25%", "50%", "75%", "max", "mean", "std"]]
    assert all(map(agrees, described, ["3", "16", "27", "42", "300", "35", "30"]))


def test_frequency_and_spend_are_correlated_as_the_paper_says(cdnow, gamma_gamma):
    # Fader, Hardie & Lee 2005 (JMR), section on monetary value: .11, and .06 without one customer
    # who bought 21 times at about $300.
    assert agrees(gamma_gamma.checks["correlation"], ".11")
    frame = cdnow.frame.query("frequency > 0")
    without = frame.drop(frame["monetary_value"].idxmax())
    assert agrees(without["frequency"].corr(without["monetary_value"]), ".06")


def test_the_density_of_total_spend_has_the_papers_likelihood(cdnow, gamma_gamma):
    # Fader, Hardie & Lee 2005 (JMR) print -4,659, which is the density of the total x times mean;
    # that of the mean, which note 025 gives, is larger by the sum of log x.
    x = cdnow.frame.query("frequency > 0")["frequency"]
    assert agrees(gamma_gamma.log_likelihood - np.log(x).sum(), "-4659")


def test_the_population_mean_is_the_notes(gamma_gamma):
    # Fader & Hardie 2013, note 025: p v / (q - 1), at the printed parameters and at the optimum;
    # JMR 2005: theory and observation differ by 9 cents.
    assert agrees(NOTE_025.mean, "35.22")
    assert agrees(gamma_gamma.model.mean, "35.17")
    assert agrees(gamma_gamma.model.mean - 35.078, ".09")


def test_the_first_ten_customers_spend_what_lifetimes_quotes(cdnow, gamma_gamma):
    # lifetimes, test of conditional_expected_average_profit, quoting Hardie's note 025.
    frame = cdnow.frame.head(10)
    expected = gamma_gamma.model.expected_spend(frame["frequency"], frame["monetary_value"])
    printed = [
        "24.65",
        "18.91",
        "35.17",
        "35.17",
        "35.17",
        "71.46",
        "18.91",
        "35.17",
        "27.28",
        "35.17",
    ]
    assert all(map(agrees, expected, printed))


@pytest.mark.parametrize(
    ("x", "mean", "printed"),
    [(1, 100.0, "80.26"), (2, 22.35, "24.66"), (1, 11.77, "18.92"), (7, 73.74, "71.47")],
)
def test_expected_spend_at_the_notes_parameters_is_known(x, mean, printed):
    # An independent implementation of note 025, eq. 5, at its printed parameters.
    assert agrees(NOTE_025.expected_spend(x, mean), printed)


@pytest.mark.parametrize(
    ("x", "printed"), [(2, "24.6539186982206"), (7, "71.4647057227035"), (29, "26.3942635019018")]
)
def test_single_customers_spend_is_known_to_many_digits(cdnow, gamma_gamma, x, printed):
    # Customers 1, 6 and 157, from a maximum in 40 to 50 digits; a fit keeps ten of them.
    customer = {2: 1, 7: 6, 29: 157}[x]
    row = cdnow.frame.set_index("customer_id").loc[customer]
    assert row["frequency"] == x
    spend = gamma_gamma.model.expected_spend(x, row["monetary_value"])
    assert spend == pytest.approx(float(printed), rel=1e-9)
