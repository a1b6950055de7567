"""The HTML page in a real browser: it draws, answers mouse and keyboard, and asks nothing of the network."""

import pytest
from axe_playwright_python.sync_playwright import Axe

CULPRIT = "conv3_block2_1_bn"
ALL = ["fail", "pass", "nan", "archive", "hostile", "full"]


def chosen(page):
    return page.inner_text("#panel h2")


def names(page):
    """The layers of the table as they stand, top to bottom."""
    return page.eval_on_selector_all("#layers tbody tr:not([hidden])", "rows => rows.map(row => row.dataset.name)")


def column(page, title):
    heads = page.eval_on_selector_all("#layers thead th", "heads => heads.map(head => head.textContent)")
    index = heads.index(title)
    return page.eval_on_selector_all(
        "#layers tbody tr", f"rows => rows.map(row => Number(row.cells[{index}].dataset.value))"
    )


@pytest.mark.parametrize("name", ALL)
def test_opens_without_complaint(open_page, name):
    page = open_page(name)
    assert page.locator(".network a").count() == page.locator("#layers tbody tr").count() > 50
    assert chosen(page) in names(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["fail", "pass"])
def test_has_no_barriers_in_either_colour_scheme(open_page, name, scheme):
    page = open_page(name, color_scheme=scheme)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    level = sum(map(int, background.strip("rgb()").split(",")))
    assert level > 600 if scheme == "light" else level < 150
    result = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    problems = [(entry["id"], [node["target"] for node in entry["nodes"]][:3]) for entry in result.response["violations"]]
    assert problems == []


@pytest.mark.parametrize("name", ["fail", "full"])
def test_says_the_verdict_the_command_and_the_culprit_first(open_page, name):
    page = open_page(name)
    assert "FAIL" in page.inner_text(".badge")
    assert "are out of their limits" in page.inner_text("h1")
    assert page.inner_text(".command").startswith("rnw verify ")
    card = page.inner_text(".culprit-card")
    assert "gamma and beta are swapped" in card
    assert ("conv4_block3_1_bn" if name == "full" else CULPRIT) in card


def test_draws_every_layer_in_the_colour_of_its_error(open_page):
    page = open_page("fail")
    rows = page.locator("#layers tbody tr").count()
    assert page.locator(".network a").count() == rows == 60
    for selector in [".network .shape", ".propagated-line", ".isolated-stem", ".limit", "#sizes rect", "#channels path"]:
        box = page.locator(selector).first.bounding_box()
        assert box and box["width"] + box["height"] > 1, selector
    colours = page.eval_on_selector_all(
        ".network .shape", "shapes => shapes.map(shape => getComputedStyle(shape).fill)"
    )
    assert len(set(colours)) >= 3
    failing = page.eval_on_selector_all(
        ".network a", "marks => marks.filter(mark => /[✗◆]/.test(mark.textContent.slice(-1))).length"
    )
    assert failing == page.locator("#layers tr.fail").count()


def test_chooses_by_mouse_in_drawing_chart_and_table(open_page):
    page = open_page("fail")
    assert chosen(page) == CULPRIT
    page.locator(".network a").nth(4).click()
    assert chosen(page) == names(page)[4]
    page.locator("#layers tbody th button").nth(9).click()
    assert chosen(page) == names(page)[9]
    chart = page.locator(".chart")
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] - 12, "y": box["height"] / 2})
    assert chosen(page) == names(page)[-1]
    chart.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})
    assert "propagated" in page.inner_text("#readout")
    page.locator(".culprit-card a").click()
    assert chosen(page) == CULPRIT
    assert page.locator("[aria-current=true]").count() == 1
    assert page.locator("[aria-selected=true]").count() == 1


def test_chooses_by_keyboard_alone(open_page):
    page = open_page("fail")
    layers = names(page)
    place = layers.index(CULPRIT)
    # The network is one stop; arrows lead through it.
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('role')") == "option":
            break
    assert page.evaluate("document.activeElement.ariaLabel").startswith(CULPRIT)
    outline = page.evaluate("getComputedStyle(document.activeElement.querySelector('.ring')).strokeWidth")
    assert float(outline.strip("px")) >= 3
    for keys, expected in [
        (["ArrowRight"], place + 1), (["ArrowDown", "ArrowLeft"], place + 1), (["ArrowUp"], place),
        (["PageDown"], place + 10), (["End"], len(layers) - 1), (["ArrowRight"], len(layers) - 1), (["Home"], 0),
    ]:
        for key in keys:
            page.keyboard.press(key)
        assert chosen(page) == layers[expected]
        assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.step") == "-1"
    page.locator("[data-step=failure]").focus()
    page.keyboard.press("Enter")
    assert chosen(page) == CULPRIT


def test_shows_how_the_differences_of_a_layer_are_spread(open_page):
    page = open_page("fail")
    assert page.locator("#sizes rect").count() > 5
    assert "values are equal" in page.inner_text("#sizes-note")
    assert "channels are over the limit" in page.inner_text("#channels-note")
    page.locator(".modes input[value=propagated]").check()
    assert page.locator("#sizes rect").count() > 5
    # A later ReLU computes exactly what the reference does from the same inputs.
    index = next(i for i, name in enumerate(names(page)) if name.endswith("relu") and i > 40)
    page.locator("#layers tbody th button").nth(index).click()
    page.locator(".modes input[value=isolated]").check()
    assert page.inner_text("#channels-note") == "Every channel is equal."


def test_counts_values_that_are_not_finite(open_page):
    page = open_page("nan")
    assert "NaN" in page.inner_text(".culprit-card")
    assert "no finite difference" in page.inner_text("#sizes-note")


def test_sorts_by_every_column(open_page):
    page = open_page("fail")
    for index in range(page.locator("#layers thead th").count()):
        head = page.locator("#layers thead th").nth(index)
        title = head.text_content()
        orders = []
        for _ in range(2):
            head.locator("button").click()
            orders.append((head.get_attribute("aria-sort"), names(page)))
        assert {order for order, _ in orders} == {"ascending", "descending"}, title
        assert page.locator("th[aria-sort=ascending], th[aria-sort=descending]").count() == 1
        values = column(page, title)
        if all(value == value for value in values):
            ascending = head.get_attribute("aria-sort") == "ascending"
            assert values == sorted(values, reverse=not ascending), title
    page.locator("#layers thead th", has_text="propagated").locator("button").focus()
    page.keyboard.press("Enter")
    assert column(page, "propagated") == sorted(column(page, "propagated"), reverse=True)


def test_finds_and_filters_layers(open_page):
    page = open_page("fail")
    failing = page.locator("#layers tr.fail").count()
    page.check("#failing")
    assert len(names(page)) == failing
    assert page.inner_text("#announcement") == f"{failing} of 60 layers shown"
    page.uncheck("#failing")
    page.fill("#search", "BLOCK2 batch")
    assert names(page) and all("block2" in name and name.endswith("bn") for name in names(page))


def test_a_link_to_a_layer_chooses_it(open_page):
    page = open_page("fail")
    page.locator(".network a").nth(7).click()
    fragment = page.evaluate("location.hash")
    assert fragment.startswith("#layer-")
    other = open_page("fail", fragment=fragment)
    assert chosen(other) == names(other)[7]


@pytest.mark.parametrize("name", ["fail", "hostile", "full"])
def test_fits_a_narrow_screen(open_page, name):
    page = open_page(name, width=360, height=640)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator(".network a").nth(3).click()
    assert chosen(page) == names(page)[3]


def test_prints_all_layers(open_page):
    page = open_page("fail")
    page.emulate_media(media="print")
    assert page.locator(".stepper").is_hidden()
    assert page.locator("#layers tbody tr").last.is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_is_whole_without_scripts(open_page):
    page = open_page("fail", java_script_enabled=False)
    assert page.locator("#panel").is_hidden()
    assert page.locator(".network a").count() == 60
    page.locator(".network a").nth(3).click()
    assert page.url.endswith("#layer-4")


def test_names_from_strangers_are_text(open_page):
    page = open_page("hostile")
    assert page.locator("script").count() == 2
    assert page.locator("img").count() == 0
    text = page.inner_text("body")
    assert text.count("<img src=x onerror=alert(2)>") >= 3
    page.locator(".network a").last.click()
    assert "<script>" in chosen(page)
    # The policy would stop a script that got in all the same.
    assert page.evaluate(
        "new Promise(done => { const script = document.createElement('script'); script.textContent = 'window.in_ = 1';"
        "document.addEventListener('securitypolicyviolation', () => done('blocked'));"
        "document.body.append(script); if (window.in_) done('ran'); })"
    ) == "blocked"
    assert "Content Security Policy" in open_page.complaints.pop()


def test_a_large_network_is_a_small_file(pages):
    assert pages["full"].stat().st_size < 700_000
