"""Models by their names as text, as on the command line."""

import pytest

import predclv as pc
from predclv.errors import OptionError
from predclv.models import MODELS, class_named
from predclv.models.purchases import PurchaseModel
from predclv.models.spend import SpendModel

OF_A_LOG = [name for name in MODELS if issubclass(class_named(name), (PurchaseModel, SpendModel))]


@pytest.mark.parametrize("name", OF_A_LOG)
def test_a_fit_by_name_is_the_fit_by_class(cdnow, name):
    by_class, by_name = pc.fit(getattr(pc, name), cdnow), pc.fit(name, cdnow)
    assert isinstance(by_name.model, getattr(pc, name))
    assert by_name.params == by_class.params


def test_a_recipe_by_name_is_the_recipe_by_class():
    named = pc.CLVModel(purchases="MBGNBD", spend="GammaGamma")
    assert named == pc.CLVModel(pc.MBGNBD, pc.GammaGamma)
    assert (named.purchases, named.spend) == (pc.MBGNBD, pc.GammaGamma)
    assert pc.CLVModel("auto").purchases == "auto"
    assert pc.CLVModel("ParetoNBD", spend=None).spend is None


def test_models_are_compared_by_name_alone_or_beside_classes(cdnow):
    named = pc.compare_fits(cdnow, ["BGNBD", pc.MBGNBD])
    assert named.frame.equals(pc.compare_fits(cdnow, [pc.BGNBD, pc.MBGNBD]).frame)
    assert pc.compare_fits(cdnow, "BGNBD").frame.index.tolist() == ["BG/NBD"]
    with pytest.raises(OptionError, match="BG/NBD twice"):
        pc.compare_fits(cdnow, ["BGNBD", pc.BGNBD])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("bgnbd", "BGNBD"),
        ("BG/NBD", "BGNBD"),
        ("mbg-nbd", "MBGNBD"),
        ("pareto", "ParetoNBD"),
        ("Pareto/NBD", "ParetoNBD"),
        ("gamma_gamma", "GammaGamma"),
    ],
)
def test_another_case_or_spelling_is_told_the_name(cdnow, written, meant):
    questions = [
        lambda: pc.CLVModel(purchases=written),
        lambda: pc.CLVModel(spend=written),
        lambda: pc.fit(written, cdnow),
        lambda: pc.compare_fits(cdnow, [written]),
    ]
    for question in questions:
        with pytest.raises(OptionError, match=f"no model '{written}'.*Did you mean '{meant}'"):
            question()


@pytest.mark.parametrize("name", MODELS)
def test_a_title_is_told_its_name(name):
    wanted = f"no model '{class_named(name).title}'.*Did you mean '{name}'"
    with pytest.raises(OptionError, match=wanted):
        class_named(class_named(name).title)


def test_only_models_of_the_kind_asked_for_are_listed():
    with pytest.raises(OptionError, match="'ShiftedBetaGeometric'") as refused:
        pc.ContractModel("sBG")
    assert "ShiftedBetaGeometric, BetaDiscreteWeibull, BGBB." in str(refused.value)
    assert "GammaGamma" not in str(refused.value)
    with pytest.raises(OptionError, match=r"there are GammaGamma\."):
        pc.CLVModel(spend="Lognormal")
    with pytest.raises(OptionError, match=r"there are BGNBD, .*, MBGCNBD\.$"):
        pc.CLVModel(purchases="whatever")


def test_a_name_of_the_other_kind_is_told_the_names_of_this_kind(cdnow):
    with pytest.raises(OptionError, match=r"purchases must be .* one of 'BGNBD', 'MBGNBD'"):
        pc.CLVModel(purchases="GammaGamma")
    with pytest.raises(OptionError, match=r"spend must be .* one of 'GammaGamma'; got 'BGNBD'"):
        pc.CLVModel(spend="BGNBD")
