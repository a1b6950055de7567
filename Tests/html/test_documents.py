"""Every JSON document fits its published schema and has no key that the schema lacks; JUnit XML can be parsed."""

import json

import pytest
from conftest import FIXTURES, ROOT, rnw
from jsonschema import Draft202012Validator
from junitparser import JUnitXml
from referencing import Registry, Resource

SCHEMAS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "docs" / "schemas").glob("*.json"))}
NARROW = FIXTURES / "narrow.h5"


def closed(schema):
    """The schema with no keys allowed but those it names: published ones let keys be added."""
    if isinstance(schema, list):
        return [closed(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    # What other schemas build on is closed where it is used.
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        result["unevaluatedProperties"] = False
    return result


def registry():
    schemas = {name: closed(schema) for name, schema in SCHEMAS.items()}
    del schemas["comparison"]["$defs"]["comparison"]["unevaluatedProperties"]
    return Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in schemas.values())


REGISTRY = registry()

CALLS = {
    "comparison-pass": ("comparison", 0, "verify", NARROW, "--against", FIXTURES / "narrow.weights.h5", "--json"),
    "comparison-fail": (
        "comparison", 1, "verify", FIXTURES / "broken" / "swapped.h5", "--against", NARROW, "--isolated", "--json"),
    "comparison-nan": ("comparison", 1, "verify", FIXTURES / "broken" / "nan.h5", "--against", NARROW, "--json"),
    "comparison-ulp": ("comparison", 0, "verify", NARROW, "--against", NARROW, "--isolated", "--ulp", "--json"),
    "comparison-judged": ("comparison", 0, "judge", "report.json", "--limit", "1e-4", "--json"),
    "comparison-judged-again": ("comparison", 1, "judge", "report.json", "--limit", "1e-9", "--json"),
    "comparison-archive": (
        "comparison", 0, "verify", NARROW, "--against", FIXTURES / "narrow.activations.npz", "--json"),
    "conversion": (
        "conversion", 0, "convert", NARROW, "-o", "a.rnw", "--overwrite", "--reference",
        FIXTURES / "narrow.activations.npz", "--json"),
    "conversion-plain": ("conversion", 0, "convert", NARROW, "-o", "b.rnw", "--overwrite", "--json"),
    "conversion-fail": ("conversion", 1, "convert", NARROW, "-o", "c.rnw", "--limit", "1e-9", "--json"),
    "conversion-of-own-graph": (
        "conversion", 0, "convert", FIXTURES / "narrow.keras", "-o", "e.rnw", "--overwrite", "--json"),
    "conversion-choice": (
        "conversion", 0, "convert", NARROW, "-o", "f.rnw", "--overwrite", "--precision", "auto", "--max-error", "1e-2", "--json"),
    "diff-equal": ("diff", 0, "diff", NARROW, FIXTURES / "narrow.keras", "--json"),
    "diff-exchanged": ("diff", 1, "diff", FIXTURES / "broken" / "swapped.h5", NARROW, "--json"),
    "diff-nan": ("diff", 1, "diff", FIXTURES / "broken" / "nan.h5", NARROW, "--json"),
    "diff-rounded": ("diff", 1, "diff", FIXTURES / "narrow.float16.h5", NARROW, "--json"),
    "diff-networks": ("diff", 1, "diff", "keras.npz", "torch.npz", "--json"),
    "diff-by-name": ("diff", 1, "diff", NARROW, "d.rnw", "--by-name", "--json"),
    "check": ("check", 0, "verify", "a.rnw", "--json"),
    "check-initialised": ("check", 0, "verify", "d.rnw", "--json"),
    "inspection": ("inspection", 0, "inspect", NARROW, "--json"),
    "inspection-stats": ("inspection", 0, "inspect", "a.rnw", "--stats", "--json"),
    "inspection-unknown": ("inspection", 0, "inspect", FIXTURES / "narrow.activations.npz", "--json"),
    "families": ("families", 0, "families", "--json"),
    "doctor": ("doctor", 0, "doctor", "--json"),
    "error": ("error", 66, "verify", "none.rnw", "--json"),
    "error-usage": ("error", 64, "verify", "a.rnw", "--limit", "x", "--json"),
    "batch": ("batch", 0, "batch", "list.jsonl", "-o", "new-batch", "--json"),
    "batch-troubles": ("batch", 1, "batch", "troubled", "-o", "troubled-batch", "--json"),
    "items": ("items", 0, "batch", "list.jsonl", "-o", "new-batch", "--dry-run", "--json"),
    "record": ("record", 0, "show", "batch/records/*/*.json"),
    "record-troubles": ("record", 0, "show", "troubled-out/records/*/*.json"),
    "fleet": ("fleet", 0, "merge", "batch", "--times", "--json"),
    "fleet-judged": ("fleet", 1, "merge", "batch", "troubled-out", "--limit", "1e-9", "--json"),
    "mapping": ("mapping", 0, "convert", NARROW, "--dry-run", "--json"),
    "graph-comparison": (
        "graph-comparison", 0, "verify", ROOT / "Fixtures" / "kinds" / "other.keras", "--against",
        ROOT / "Fixtures" / "kinds" / "other.activations.npz", "--json"),
    "graph-comparison-fail": (
        "graph-comparison", 1, "verify", ROOT / "Fixtures" / "kinds" / "other.changed.keras", "--against",
        ROOT / "Fixtures" / "kinds" / "other.keras", "--json"),
    "graph-comparison-candidate": (
        "graph-comparison", 1, "verify", ROOT / "Fixtures" / "kinds" / "other.changed.keras", "--candidate",
        ROOT / "Fixtures" / "kinds" / "other.activations.npz", "--json"),
    "mapping-unknown": ("mapping", 65, "convert", ROOT / "Fixtures" / "kinds" / "rules.npz", "--dry-run", "--json"),
    "mapping-rules": (
        "mapping", 0, "convert", ROOT / "Fixtures" / "kinds" / "rules.npz", "--rules",
        ROOT / "Fixtures" / "kinds" / "rules.json", "--dry-run", "--json"),
    "mapping-misfit": ("mapping", 65, "convert", FIXTURES / "broken" / "missing.h5", "--dry-run", "--json"),
    "run": ("run", 0, "run", "a.rnw", "--input", "probe:1:2", "--json"),
    "bench": ("bench", 0, "bench", "a.rnw", "--repetitions", "1", "--size", "64", "--json"),
    "bench-load": ("bench-load", 0, "bench", "a.rnw", "--repetitions", "1", "--load", "--json"),
    "bench-accuracy": ("bench-accuracy", 0, "bench", "a.rnw", "--size", "64", "--check", "--json"),
    "bench-codec": ("bench-codec", 0, "bench", "a.rnw", "--repetitions", "1", "--codec", "--json"),
    "summary": ("summary", 0, "summary", "resnet50_v2", "--json"),
    "summary-keras": ("summary", 0, "summary", "resnet50_v2", "--family", "keras", "--input-size", "1,224,224,3", "--json"),
}


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    rnw("convert", NARROW, "-o", "a.rnw", cwd=folder)
    rnw("verify", NARROW, "--against", FIXTURES / "narrow.keras", "--report", "report.json", cwd=folder)
    rnw("init", "--blocks", "1,1", "--classes", "4", "-o", "d.rnw", cwd=folder)
    for family in ["keras", "torch"]:
        rnw("init", "--blocks", "1,1", "--classes", "4", "--family", family, "-o", f"{family}.npz", cwd=folder)
    (folder / "list.jsonl").write_text(
        json.dumps({"source": str(NARROW), "name": "a"}) + "\n"
        + json.dumps({"source": str(NARROW), "name": "half", "precision": "float16"}) + "\n")
    rnw("batch", "list.jsonl", "-o", "batch", "--verify", cwd=folder)
    (folder / "troubled").mkdir()
    (folder / "troubled" / "cut.h5").write_bytes(NARROW.read_bytes()[:5000])
    (folder / "troubled" / "swapped.npz").write_bytes((FIXTURES / "narrow.npz").read_bytes())
    rnw("batch", "troubled", "-o", "troubled-out", "--", "--limit", "1e-9", status=1, cwd=folder)
    return folder


def validate(document, name):
    validator = Draft202012Validator(REGISTRY.contents(f"urn:rnw:{name}:1"), registry=REGISTRY)
    problems = [(list(error.absolute_path), error.message[:200]) for error in validator.iter_errors(document)]
    assert problems == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_schemas(name):
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_every_schema_has_a_document():
    # Rules are read, not written.
    assert {schema for schema, *_ in CALLS.values()} | {"rules"} == set(SCHEMAS)


def test_rules_fit_their_schema():
    rules = json.loads((ROOT / "Fixtures" / "kinds" / "rules.json").read_text())
    validate(rules, "rules")
    for change in [{"name": "x", "waive": "y"}, {"transpose": [0, 0]}, {"nam": "x"}]:
        broken = rules | {"rules": [{"match": "x"} | change]}
        with pytest.raises(AssertionError):
            validate(broken, "rules")


@pytest.mark.parametrize("call", CALLS)
def test_documents_fit_their_schema(models, call):
    name, status, command, *arguments = CALLS[call]
    if command == "show":
        documents = sorted(models.glob(arguments[0]))
        assert len(documents) == 2
        for document in documents:
            validate(json.loads(document.read_text()), name)
        return
    validate(json.loads(rnw(command, *arguments, status=status, cwd=models)), name)


def test_a_key_too_many_or_too_few_is_noticed(models):
    document = json.loads(rnw("verify", NARROW, "--against", NARROW, "--json"))
    validate(document, "comparison")
    for change in [{"extra": 1}, {"verdict": "maybe"}, {"layers": [{"name": "x"}]}]:
        with pytest.raises(AssertionError):
            validate(document | change, "comparison")
    del document["culprit"]
    with pytest.raises(AssertionError):
        validate(document, "comparison")


def test_json_reports_are_the_document_that_is_printed(tmp_path):
    report = tmp_path / "report.json"
    rnw("verify", NARROW, "--against", NARROW, "--report", report)
    validate(json.loads(report.read_text()), "comparison")


@pytest.mark.parametrize("broken, failures", [("swapped", True), ("nan", True), (None, False)])
def test_junit_is_read_by_a_parser(tmp_path, broken, failures):
    report = tmp_path / "report.xml"
    model = FIXTURES / "broken" / f"{broken}.h5" if broken else FIXTURES / "narrow.weights.h5"
    rnw("verify", model, "--against", NARROW, "--report", report, status=1 if broken else 0)
    suites = JUnitXml.fromfile(str(report))
    (suite,) = suites
    cases = list(suite)
    failing = [case for case in cases if case.result]
    # The layers, the weights, and what the layers do.
    assert suites.tests == suite.tests == len(cases) == 60 + 2
    assert 0 < suite.time < 120 and suites.time == suite.time
    assert [case.name for case in cases if case.name.startswith("(")] == ["(weights)", "(functions)"]
    assert suites.failures == suite.failures == len(failing)
    assert bool(failing) == failures
    assert all(case.classname and case.name for case in cases)
    assert all(case.result[0].message and case.result[0].type in ("limit", "weights", "functions") for case in failing)
    assert not failing or "the first wrong layer" in failing[0].result[0].message


def test_junit_of_a_model_of_no_family_is_read_by_a_parser(tmp_path):
    kinds, report = ROOT / "Fixtures" / "kinds", tmp_path / "report.xml"
    rnw("verify", kinds / "other.changed.keras", "--against", kinds / "other.keras", "--report", report, status=1)
    suites = JUnitXml.fromfile(str(report))
    (suite,) = suites
    cases = list(suite)
    assert suites.tests == suite.tests == len(cases) == 9 + 2
    assert suites.failures == suite.failures == len([case for case in cases if case.result]) == 4
    assert [case.name for case in cases if case.name.startswith("(")] == ["(weights)", "(functions)"]


def test_the_rules_on_the_page_are_those_of_the_file_that_is_converted():
    page = (ROOT / "docs" / "families.md").read_text()
    shown = page.split("```json\n", 1)[1].split("```", 1)[0]
    assert json.loads(shown) == json.loads((ROOT / "Fixtures" / "kinds" / "rules.json").read_text())
