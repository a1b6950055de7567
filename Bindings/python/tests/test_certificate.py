"""The certificate: the probe, the measure, the limit, and what a file may state."""

import json
import math

import numpy as np
import pytest

import rnw
from writer import Draft, network


def certified(tmp_path, **changes):
    statement = {
        "node": "head.dense", "limit": 1e-3, "values": [1.0, -4.0], "probe": {"seed": 5, "shape": [1, 2, 2, 3]}
    }  # fmt: skip
    draft = Draft(network())
    draft.metadata["rnw.certificate"] = json.dumps(statement | changes)
    return draft.write(tmp_path / "a.rnw")


def test_network_gets_the_probe(tmp_path):
    def forward(images):
        assert images.dtype == np.float32 and np.array_equal(images, rnw.probe((1, 2, 2, 3), 5))
        return np.array([[1.0, -4.002]], np.float32)

    report = rnw.verify(certified(tmp_path), forward=forward)
    assert report and report.certificate and report.certificate.error == pytest.approx(0.002 / 4, rel=1e-3)
    assert "head.dense within 5.0e-04" in str(report)


@pytest.mark.parametrize("output", [[1.0, -4.005], [1.0, math.nan], [math.inf, -4.0], [-4.0, 1.0]])
def test_wrong_networks_fail(tmp_path, output):
    report = rnw.verify(certified(tmp_path), forward=lambda images: output)
    assert not report and not report.certificate and "rnw.certificate" in str(report)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_values_that_are_not_finite_agree_with_nothing(tmp_path, value):
    """A network that gives NaN everywhere would agree with any other that does."""
    path = certified(tmp_path, values=[value, 2.0])
    assert not rnw.verify(path, forward=lambda images: [float(value), 2.0])
    assert not rnw.verify(path, forward=lambda images: [0.0, 2.0])


def test_zeros_have_no_scale(tmp_path):
    path = certified(tmp_path, values=[0.0, 0.0])
    assert rnw.verify(path, forward=lambda images: [0.0, 1e-4])
    assert not rnw.verify(path, forward=lambda images: [0.0, 1e-2])


def test_images_are_averaged(tmp_path):
    path = certified(tmp_path)
    image = np.zeros((1, 5, 7, 2)) + [1.0, -4.0] + np.linspace(-1, 1, 5)[None, :, None, None]
    assert rnw.verify(path, forward=lambda images: image)


def test_other_number_of_values(tmp_path):
    report = rnw.verify(certified(tmp_path), forward=lambda images: [1.0])
    assert "expected 2 values" in str(report)


def test_file_without_certificate(tmp_path):
    path = Draft(network()).write(tmp_path / "a.rnw")
    assert rnw.verify(path) and "expected a certificate" in str(rnw.verify(path, forward=lambda images: images))


@pytest.mark.parametrize(
    "statement",
    [{"probe": None}, {"probe": {"seed": "x", "shape": [1, 2, 2, 3]}}, {"probe": {"seed": 1, "shape": [1, 2, 3]}},
     {"probe": {"seed": 1, "shape": [1, 0, 2, 3]}}, {"probe": {"seed": 1, "shape": [1, 2**40, 2**40, 3]}},
     {"probe": {"seed": 1, "shape": [1, -2, -2, 3]}}, {"limit": "small"}, {"limit": "nan"}, {"values": None},
     {"values": [[1.0]]}, {"values": ["one", 2]}],
)  # fmt: skip
def test_certificates_of_another_form(tmp_path, statement):
    report = rnw.verify(certified(tmp_path, **statement), forward=lambda images: [1.0, -4.0])
    assert not report and "rnw.certificate" in str(report)


def test_errors_of_the_network_are_its_own(tmp_path):
    def forward(images):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rnw.verify(certified(tmp_path), forward=forward)
