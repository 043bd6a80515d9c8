"""A saved fit read back: the fields of a Fit from plain values and tables."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from predclv.engines.fit_checks import (
    assert_document,
    read_clock,
    read_effects,
    read_recall,
    replicates_of,
    space_of,
)
from predclv.interrupts import uninterrupted
from predclv.models import class_named


def fields_of(
    document: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], methods: Any
) -> dict[str, Any]:
    """The fields of the fit that `Fit.document` and `Fit.tables` gave.

    Raises
    ------
    StoreError
        If an entry is impossible.
    """
    kind = class_named(document["model"])
    clock = read_clock(document)
    recall = read_recall(document)
    covariates = read_effects(document)
    space = space_of(kind, clock, recall, covariates)
    assert_document(document, space.names, methods)
    model = kind(**{name: document["params"][name] for name in kind.names()})
    if covariates is not None:
        values = [document["params"][name] for name in covariates.names]
        covariates = covariates.at(np.array(values, dtype=float))
    method = document.get("method", "asymptotic")
    replicates = replicates_of(tables.get("replicates"), space, method)
    source = None
    if replicates is not None and document["engine"] == "pymc":
        with uninterrupted():
            home = import_module("predclv.engines.pymc_idata")
        source = home.Remembered(space.names, replicates)
    return dict(
        model=model,
        engine=document["engine"],
        unit=document["unit"],
        n_customers=int(document["n_customers"]),
        log_likelihood=float(document["log_likelihood"]),
        converged=bool(document["converged"]),
        log_covariance=np.array(document["log_covariance"], dtype=float),
        undetermined=tuple(document["undetermined"]),
        limits=tuple(document["limits"]),
        checks=dict(document["checks"]),
        method=method,
        replicates=replicates,
        source=source,
        clock=clock,
        recall=recall,
        covariates=covariates,
        first_scale=document.get("first_scale"),
    )
