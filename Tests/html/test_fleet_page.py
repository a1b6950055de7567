"""The page of many models in a real browser: it sorts, filters and finds ten thousand rows, and asks nothing of the network."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import HOSTILE, rnw

ITEMS = 10_000


def record(number):
    failing, quarantined = number % 5 == 3, number % 50 == 4
    compared = not quarantined
    return {
        "schema": "rnw.record/1", "key": f"{number:064x}",
        "name": HOSTILE if number == 4 else f"runs/{number % 7}/model-{number}.keras", "source": f"in/{number}.keras",
        "sourceBytes": 100_000 + number, "outcome": "quarantined" if quarantined else "fail" if failing else "pass",
        "cause": "input" if quarantined else None,
        "message": f"{HOSTILE} is cut off (byte {number})" if quarantined else None,
        "network": "resnet50_v2" if number % 2 else "resnet101_v2", "assumptions": number % 3,
        "culprit": "pool1_pool" if failing else None,
        "suspicion": f"pads with −∞, the source with zeros in {number} places" if failing else None,
        "proofs": [{
            "proof": "file", "verdict": "fail" if failing else "pass", "layers": 60, "failed": 0, "worstLayer": f"conv{number % 9}",
            "timesLimit": "inf" if number == 3 else number % 89 / 60, "measuresRounding": False, "limits": {"passes": 1e-6, "decides": 0},
        }] if compared else [],
        "output": {"path": "x", "bytes": 80_000, "sha256": "0" * 64} if compared and not failing else None,
        "measured": {"attempts": 1, "milliseconds": number, "processorMilliseconds": number, "peakBytes": 1},
    }


@pytest.fixture(scope="session")
def fleet_pages(tmp_path_factory, pages):
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "all.jsonl").write_text("".join(json.dumps(record(number)) + "\n" for number in range(ITEMS)))
    good = [number for number in range(60) if record(number)["outcome"] == "pass"]
    (folder / "good.jsonl").write_text("".join(json.dumps(record(number)) + "\n" for number in good))
    rnw("merge", "all.jsonl", "--report", "all.html", "--times", status=1, cwd=folder)
    rnw("merge", "good.jsonl", "--report", "good.html", cwd=folder)
    pages["fleet"], pages["good fleet"] = folder / "all.html", folder / "good.html"
    return pages


def rows(page):
    return page.eval_on_selector_all(
        "#items tbody tr", "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")


def shown(page):
    return page.inner_text("#announcement")


def test_ten_thousand_rows_take_less_than_two_megabytes(fleet_pages):
    assert 300_000 < fleet_pages["fleet"].stat().st_size < 2_000_000


def test_says_the_sums_and_what_failures_have_in_common(fleet_pages, open_page):
    page = open_page("fleet")
    assert "FAIL" in page.inner_text(".badge")
    assert "2,200 of 10,000 models do not pass" in page.inner_text("h1")
    groups = page.inner_text("#groups")
    assert "2,000" in groups and "pads with −∞, the source with zeros in # places" in groups
    assert "pool1_pool (2,000)" in page.inner_text(".facts")
    good = open_page("good fleet")
    assert "PASS" in good.inner_text(".badge") and good.locator("#groups").count() == 0


def test_shows_some_and_more(fleet_pages, open_page):
    page = open_page("fleet")
    assert len(rows(page)) == 200 and shown(page) == "200 of 10,000 shown, 10,000 in all"
    page.click("#more")
    assert len(rows(page)) == 1200
    # The worst come first, and an error that is not finite before all.
    assert rows(page)[0][4] == "∞"
    times = [float(row[4]) for row in rows(page)[1:]]
    assert times == sorted(times, reverse=True)


def test_sorts_by_every_column(fleet_pages, open_page):
    page = open_page("good fleet")
    for index in range(page.locator("#items thead th").count()):
        head = page.locator("#items thead th").nth(index)
        orders = []
        for _ in range(2):
            head.locator("button").click()
            orders.append((head.get_attribute("aria-sort"), [row[index] for row in rows(page)]))
        assert {order for order, _ in orders} == {"ascending", "descending"}
        assert page.locator("th[aria-sort=ascending], th[aria-sort=descending]").count() == 1
        if index == 5:
            values = [int(text.replace(",", "")) for text in orders[0][1]]
            assert values == sorted(values, reverse=True) and len(set(values)) > 10
    assert page.locator("#items thead th").count() == 9
    assert open_page("fleet").locator("#items thead th").count() == 10


def test_filters_and_finds(fleet_pages, open_page):
    page = open_page("fleet")
    page.select_option("#judgement", "quarantined")
    assert shown(page) == "200 of 200 shown, 10,000 in all" and {row[1] for row in rows(page)} == {"quarantined"}
    page.select_option("#judgement", "")
    page.fill("#search", "RUNS/3 resnet101")
    names = [row[0] for row in rows(page)]
    assert names and all(name.startswith("runs/3/") for name in names) and {row[2] for row in rows(page)} == {"resnet101_v2"}
    page.fill("#search", "")
    page.locator("#groups button").first.click()
    assert "of 2,000 shown" in shown(page)
    assert all("pads with" in row[8] for row in rows(page))


def test_text_of_strangers_stays_text(fleet_pages, open_page):
    page = open_page("fleet")
    page.select_option("#judgement", "quarantined")
    page.fill("#search", "alert")
    assert any("<script>alert(1)</script>" in row[0] for row in rows(page))
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_has_no_barriers(fleet_pages, open_page, scheme):
    page = open_page("fleet", color_scheme=scheme)
    result = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
    problems = [(entry["id"], [node["target"] for node in entry["nodes"]][:3]) for entry in result.response["violations"]]
    assert problems == []


def test_fits_a_narrow_screen(fleet_pages, open_page):
    page = open_page("fleet", width=360, height=640)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_tells_the_sums_without_scripts(fleet_pages, open_page):
    page = open_page("fleet", java_script_enabled=False)
    assert "2,200 of 10,000" in page.inner_text("h1") and page.locator("#items").is_hidden()
