"""The action in a faked environment of GitHub's."""

import xml.etree.ElementTree as ElementTree

import pytest

PASSING = {"model": "Fixtures/keras/narrow.h5", "against": "Fixtures/keras/narrow.weights.h5"}


def test_a_pass_is_a_summary_and_a_verdict(action):
    outcome = action(**PASSING)
    assert outcome.status == 0 and outcome.verdict == "pass", outcome.log
    assert outcome.summary.startswith("### narrow.h5 against narrow.weights.h5")
    assert "**✅ PASS, with 13 things the file does not tell**: 60 layers compared" in outcome.summary
    assert "rnw judge" not in outcome.summary and "/tmp" not in outcome.summary
    assert list(action.work.iterdir()) == [action.work / "Fixtures"]


def test_a_failure_fails_the_step_and_is_told(action):
    outcome = action(
        model="Fixtures/keras/broken/swapped.h5", against="Fixtures/keras/narrow.h5", arguments="--isolated\n--limit=1e-4\n",
        junit="out/rnw.xml", report="out/rnw.html")
    assert outcome.status == 1 and outcome.verdict == "fail", outcome.log
    assert "**❌ FAIL**" in outcome.summary and "conv3_block2_1_bn" in outcome.summary
    tests = list(ElementTree.parse(action.work / "out/rnw.xml").iter("testcase"))
    failed = {test.get("name") for test in tests if test.find("failure") is not None}
    assert len(tests) > 60 and "conv3_block2_1_bn" in failed
    assert "<title>FAIL" in (action.work / "out/rnw.html").read_text()


def test_a_conversion_writes_its_file_and_a_check_reads_it(action):
    made = action(command="convert", model="Fixtures/keras/narrow.keras", output="a b.rnw", arguments="--codec=none")
    assert made.status == 0 and made.verdict == "pass" and (action.work / "a b.rnw").stat().st_size > 60_000
    checked = action(model="a b.rnw", junit="none.xml")
    assert checked.status == 0 and checked.verdict == "pass", checked.log
    assert "certificate  ok" in checked.summary and "::warning::" in checked.log
    assert not (action.work / "none.xml").exists()


def test_a_model_that_only_its_own_graph_knows_is_compared_without_a_page(action):
    outcome = action(model="Fixtures/kinds/other.changed.keras", against="Fixtures/kinds/other.keras")
    assert outcome.status == 1 and outcome.verdict == "fail", outcome.log
    assert "### rnw verify: fail\n<pre>" in outcome.summary and "FAIL" in outcome.summary


def test_such_a_comparison_is_junit_all_the_same(action):
    outcome = action(
        model="Fixtures/kinds/other.changed.keras", against="Fixtures/kinds/other.keras", junit="out/rnw.xml")
    assert outcome.status == 1 and outcome.verdict == "fail" and "::warning::" not in outcome.log, outcome.log
    tests = list(ElementTree.parse(action.work / "out/rnw.xml").iter("testcase"))
    failed = {test.get("name") for test in tests if test.find("failure") is not None}
    assert len(tests) == 11 and "norm" in failed
    page = action(model="Fixtures/kinds/other.keras", against="Fixtures/kinds/other.keras", junit="out/rnw.xml", report="x.html")
    assert page.status == 0 and "::warning::" in page.log and not (action.work / "x.html").exists(), page.log


def test_what_cannot_be_read_is_an_error_and_no_verdict(action):
    outcome = action(model="nothing.rnw")
    assert outcome.status == 66 and outcome.verdict == "error"
    assert "no such file" in outcome.summary
    assert action(command="init", model="x").status == 64
    assert action(model="").status == 64


@pytest.mark.parametrize("hostile", [
    "$(touch pwned)", "'; touch pwned; '", '"; touch pwned; "', "x\ntouch pwned", "--help", "</pre><script>alert(1)</script>",
])
@pytest.mark.parametrize("name", ["model", "against", "command", "arguments", "junit"])
def test_nothing_in_an_input_is_run(action, name, hostile):
    outcome = action(**{**PASSING, name: hostile})
    assert not (action.work / "pwned").exists()
    assert "<script" not in outcome.summary
    if name in ("model", "against", "command"):
        assert outcome.status in (64, 65, 66), outcome.log


def test_without_the_tool_the_release_is_fetched_and_checked(action, release):
    outcome = action(has_tool=False, releases=release.as_uri(), **PASSING)
    assert outcome.status == 0 and outcome.verdict == "pass", outcome.log
    sums = (release / "SHA256SUMS").read_text()
    (release / "SHA256SUMS").write_text("0" * 64 + sums[64:])
    refused = action(has_tool=False, releases=release.as_uri(), **PASSING)
    assert refused.status == 64 and refused.verdict == "error", refused.log
    (release / "SHA256SUMS").write_text("")
    assert action(has_tool=False, releases=release.as_uri(), **PASSING).status == 64
    gone = action(has_tool=False, releases=(release / "none").as_uri(), **PASSING)
    assert gone.status == 64 and "cannot be fetched" in gone.log
