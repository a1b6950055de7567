"""The page of a network alone: its table sorts and finds, nothing is asked of the network, names of strangers stay text."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import FIXTURES, HOSTILE, rnw, safetensors_header, write_safetensors

MODELS = ["resnet50_v2", "resnet18_v2", "narrow", "own", "hostile"]


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("summaries")
    header, data = safetensors_header(FIXTURES / "narrow.safetensors")
    renamed = {name.replace("predictions", HOSTILE.replace("/", "∕")): entry for name, entry in header.items()}
    hostile = folder / (HOSTILE.replace("/", "∕") + ".safetensors")
    write_safetensors(hostile, renamed, data)
    models = {"narrow": FIXTURES / "narrow.h5", "own": FIXTURES.parent / "kinds" / "other.keras", "hostile": hostile}
    result = {}
    for name in MODELS:
        result[name] = folder / f"{name}.html"
        result[name].write_text(rnw("summary", models.get(name, name), "--format", "html"))
    return result


def names(page):
    return page.eval_on_selector_all("#layers tbody tr:not([hidden])", "rows => rows.map(row => row.dataset.name)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", MODELS)
def test_opens_without_complaint_or_barriers(open_page, name, scheme):
    page = open_page(name, color_scheme=scheme)
    assert len(names(page)) >= 5
    assert "of them trained" in page.inner_text(".facts")
    result = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    problems = [(entry["id"], [node["target"] for node in entry["nodes"]][:3]) for entry in result.response["violations"]]
    assert problems == []


@pytest.mark.parametrize("name", ["resnet50_v2", "resnet18_v2", "narrow"])
def test_draws_the_network_and_its_shares(open_page, name):
    page = open_page(name)
    assert page.evaluate("document.querySelector('.drawing img').naturalWidth") > 300
    assert page.locator(".shares .name").all_inner_texts()[1:] == [
        "stem", *(f"stage {number}" for number in range(1, page.locator(".shares .name").count() - 2)), "head"]


def test_counts_what_the_table_has(open_page):
    page = open_page("resnet50_v2")
    assert "25,613,800" in page.inner_text(".facts")
    heads = page.eval_on_selector_all("#layers thead th", "heads => heads.map(head => head.textContent)")
    values = page.eval_on_selector_all(
        "#layers tbody tr", f"rows => rows.map(row => Number(row.cells[{heads.index('parameters')}].dataset.value))")
    assert sum(values) == 25_613_800


def test_sorts_and_finds_layers(open_page):
    page = open_page("resnet50_v2")
    page.locator("#layers thead th", has_text="parameters").locator("button").click()
    assert names(page)[0] == "conv5_block2_2_conv" or names(page)[0].startswith("conv5_block")
    page.fill("#search", "block2 batch")
    assert names(page) and all("block2" in name and name.endswith("bn") for name in names(page))


@pytest.mark.parametrize("name", MODELS)
def test_fits_a_narrow_screen(open_page, name):
    page = open_page(name, width=360, height=640)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
