"""The cockpit, opened in a real browser where there is one."""

import html
import json
import re
import shutil
import subprocess

import pytest

import predclv as pc
from predclv.errors import OptionError

pytest.importorskip("vl_convert", reason="vl-convert-python holds the charts' script")
pytestmark = pytest.mark.filterwarnings("ignore::predclv.errors.PredclvWarning")

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
in_a_browser = pytest.mark.skipif(BROWSER is None, reason="there is no chromium to open a page in")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    log = pc.datasets.load_cdnow()
    base = pc.CustomerBase(tmp_path_factory.mktemp("base"))
    for number, (after, until) in enumerate(
        [("1900-01-01", "1997-09-30"), ("1997-09-30", "1997-10-31")]
    ):
        base.add(log[(log["date"] > after) & (log["date"] <= until)], batch=str(number))
        base.refresh(by="cohort_month")
    return base


@pytest.fixture(scope="module")
def page(base, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "clv.html"
    base.dashboard(path, title="Shop </script><b>& Co")
    return path


def opened(page, tmp_path, script=""):
    """The page's DOM once everything is drawn, and what the console said."""
    copy = tmp_path / "page.html"
    text = page.read_text(encoding="utf-8")
    copy.write_text(text.replace("</main>", f"</main><script>{script}</script>"), "utf-8")
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", copy.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, said


def test_the_page_is_one_file_that_asks_for_nothing_else(page):
    text = page.read_text(encoding="utf-8")
    assert page.stat().st_size < 3_000_000
    markup = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"""(src|href|action)=["']?(https?:)?//|@import|url\(http""", markup)
    assert "Shop &lt;/script&gt;&lt;b&gt;&amp; Co" in text


def test_the_numbers_on_the_page_are_those_of_the_history(base, page):
    text = page.read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    history = base.history()
    assert len(data["history"]) == len(history)
    assert [row["clv"] for row in data["history"]] == history["clv"].round(4).tolist()
    whole = history[history["grouping"] == "all"].iloc[-1]
    assert f'<b id="figure-clv">{whole["clv"]:,.0f}</b>' in text


def test_ids_are_pseudonymised_on_request(base, tmp_path):
    base.dashboard(tmp_path / "a.html", pseudonymise="a secret of the shop")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    first = base.table().nlargest(1, "clv")["customer_id"].iloc[0]
    assert f'<th scope="row">{first}</th>' not in text


def test_without_the_package_of_charts_the_error_says_what_to_install(base, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(OptionError, match=r"predclv\[dashboard\]"):
        base.dashboard(tmp_path / "a.html")


@in_a_browser
def test_a_browser_draws_every_chart_without_a_word_of_complaint(page, tmp_path):
    dom, said = opened(page, tmp_path)
    assert 'data-ready="yes"' in dom
    assert dom.count('data-drawn="yes"') == 6
    assert len(re.findall(r"<svg[^>]*class=\"marks\"", dom)) == 6
    assert said == []


@in_a_browser
def test_choosing_a_group_and_a_date_changes_the_numbers(base, page, tmp_path):
    script = """
    const choose = (id, value) => { const s = document.getElementById(id); s.value = value;
      s.dispatchEvent(new Event("change")); };
    choose("grouping", "tier"); choose("group", "top 5%"); choose("date", "1997-09-30");
    const search = document.getElementById("search"); search.value = "2332";
    search.dispatchEvent(new Event("input"));"""
    # The page's own script comes after its main part.
    whole = page.read_text(encoding="utf-8")
    assert "</main></body>" in whole
    dom, said = opened(page, tmp_path, script)
    history = base.history()
    row = history.query("grouping == 'tier' and group == 'top 5%'").iloc[0]
    assert f'id="figure-clv">{row["clv"]:,.0f}<' in dom
    assert "top 5%, 1997-09-30" in html.unescape(dom)
    rows = re.findall(r'<tr( hidden="")?><th scope="row">(\d+)</th>', dom)
    assert ("", "2332") in rows
    assert said == []
