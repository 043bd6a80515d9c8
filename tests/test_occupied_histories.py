"""Histories that nobody of a sample has cost nothing, and leave no trace."""

import numpy as np
import pytest

import predclv as pc


@pytest.mark.parametrize("options", [{}, {"memory": True, "drift": True}])
def test_expectations_are_those_of_all_histories(cdnow_log, options):
    log = cdnow_log[cdnow_log["customer_id"] % 4 == 0]
    fitted = pc.CLVModel(pc.MBGNBD, spend=None, **options).fit(pc.rfm_summary(log))
    members = fitted.forecast("26 weeks", level=None).source._members
    cells = np.random.default_rng(1).choice(members.distinct.n_cells, 60)
    own = members.distinct.with_customers(members.distinct.cell_of_customer[cells])
    few = own.occupied()
    assert few.n_cells == np.unique(own.cell_of_customer).size < own.n_cells
    of_all, of_few = (h.expectations(members.model, members.ahead, True) for h in (own, few))
    for name, values in of_all.items():
        found = of_few[name][few.cell_of_customer]
        np.testing.assert_allclose(found, values[own.cell_of_customer], rtol=1e-12)
