"""How many mistakes of an engine the file alone finds, by the fingerprints of its certificate."""

import json
from dataclasses import dataclass, field

import numpy as np

import rnw


@dataclass
class FingerprintTrial:
    """A converted network, and what became of the mistakes that were shown to it."""

    path: str
    seen: int = 0
    found: int = 0
    lost: list[str] = field(default_factory=list)

    def image(self) -> np.ndarray:
        """The probe of the certificate, [1, C, H, W]."""
        stated = json.loads(rnw.metadata(self.path)["rnw.certificate"])["probe"]
        return np.ascontiguousarray(rnw.probe(stated["shape"], stated["seed"])[:1].transpose(0, 3, 1, 2))

    def show(self, values, right, places, kind):
        """Notes whether a mistake that moves the output is found in the first of `places` that was computed."""
        output = list(right)[-1]
        moved = np.abs(values[output] - right[output]).max() / np.abs(right[output]).max()
        if not moved > 2e-5:
            return
        self.seen += 1
        wrong = rnw.check(self.path, values, layout="NCHW").first_wrong
        if wrong and (wrong.family_name in places or wrong.name in places):
            self.found += 1
        else:
            self.lost.append(f"{kind} in {places}: {wrong.family_name if wrong else 'nothing'}")

    def is_right(self, values):
        return bool(rnw.check(self.path, values, layout="NCHW"))
