"""A random model's story: what was chosen, and what of it a file without a graph does not tell."""

import random
from dataclasses import dataclass, field


# What a small model has in any case, for fixtures.
SMALL = {
    "shape": (17, 16, 3),
    "size": (17, 16),
    "blocks": (1, 1),
    "width": 3,
    "stem width": 4,
}


@dataclass
class Story:
    """The choices of one model.

    `chosen` has every choice that was made. `facts` has what the weights alone do not tell: by the option's name, as the
    tool lists it under `assumptions`, the value that this model has, and the arguments that tell it to the tool; `None`
    where no option does. The tool may assume another value, but only where it says so, and once told it must be right.
    """

    seed: int
    framework: str
    is_small: bool = False
    chosen: dict = field(default_factory=dict)
    facts: dict = field(default_factory=dict)
    fixed: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        # What was added later is drawn apart, so that a seed keeps the model that it had.
        self.later = random.Random(self.seed * 1_000_003 + 7)

    def choose(self, what: str, usual, *others, share: float = 0.3):
        """The usual value, or in `share` of the models one of the others."""
        value = usual
        if others and self.random.random() < share:
            value = self.random.choice(others)
        if self.is_small:
            value = SMALL.get(what, value)
        self.chosen[what] = self.fixed.get(what, value)
        return self.chosen[what]

    def also(self, what: str, usual, *others, share: float = 0.3):
        """A choice that small models do not have."""
        value = self.later.choice(others) if self.later.random() < share else usual
        self.chosen[what] = usual if self.is_small else value
        return self.chosen[what]

    def fact(self, option: str, value, *tell: str) -> None:
        """What this model has where weights are silent; the arguments tell it, and there are none where nothing can."""
        self.facts[option] = {"value": str(value), "tell": list(tell) or None}

    def set_option(self, option: str, value) -> None:
        """A fact that `--option` tells."""
        self.fact(option, value, "--option", f"{option}={value}")

    def record(self) -> dict:
        return {
            "seed": self.seed,
            "framework": self.framework,
            "chosen": {key: repr(value) for key, value in self.chosen.items()},
            "facts": self.facts,
        }
