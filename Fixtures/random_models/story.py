"""A random model's story: what was chosen, and what of it a file without a graph does not tell."""

import random
from dataclasses import dataclass, field


@dataclass
class Story:
    """The choices of one model.

    `chosen` has every choice that was made. `untold` has what the weights alone do not tell and the family would not
    guess: a word that the tool must say in a line that begins with "assumed" wherever it converts the weights alone.
    """

    seed: int
    framework: str
    chosen: dict = field(default_factory=dict)
    untold: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def choose(self, what: str, usual, *others, share: float = 0.3, untold: str | None = None):
        """The usual value, or in `share` of the models one of the others, which weights may not tell."""
        value = usual
        if others and self.random.random() < share:
            value = self.random.choice(others)
            if untold:
                self.untold.append(untold)
        self.chosen[what] = value
        return value

    def record(self) -> dict:
        return {
            "seed": self.seed,
            "framework": self.framework,
            "chosen": {key: repr(value) for key, value in self.chosen.items()},
            "untold": sorted(set(self.untold)),
        }
