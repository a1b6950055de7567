"""JSON as the texts of a `.rnw` hold it: what every language reads in the same way, and nothing else.

Errors are plain `ValueError`s that say what was expected; the caller knows the file and the place.
"""

from __future__ import annotations

import json
import math
from typing import Any, TypeAlias

JSONObject: TypeAlias = "dict[str, Any]"

DEEPEST = 16
LONGEST_NUMBER = 64
LARGEST_WHOLE = (1 << 63) - 1


def strict_object(text: str) -> JSONObject:
    """The one object that a text is, without the liberties of Python's parser: no name twice, no null, no NaN, no half
    of a surrogate pair, nothing before it and only spaces after it."""
    if not text.startswith("{"):
        raise ValueError("expected a JSON object that begins with {")
    # Python takes line ends after the object as well.
    if not text.rstrip(" ").endswith("}"):
        raise ValueError("expected a JSON object that ends with }, and only spaces after it")
    try:
        value: JSONObject = json.loads(
            text, object_pairs_hook=without_duplicates, parse_constant=refused_constant,
            parse_int=whole_number, parse_float=real_number,
        )  # fmt: skip
    except RecursionError:
        raise ValueError("expected less deeply nested JSON") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"expected valid JSON: {error}") from None
    check_values(value)
    return value


def without_duplicates(pairs: list[tuple[str, Any]]) -> JSONObject:
    result: JSONObject = {}
    for name, value in pairs:
        if name in result:
            raise ValueError(f"expected valid JSON: the name {name[:80]!r} occurs twice")
        result[name] = value
    return result


def refused_constant(name: str) -> object:
    raise ValueError(f"expected valid JSON: {name} is no JSON number")


def whole_number(digits: str) -> int | float:
    checked_length(digits)
    # -0 is no whole number: it is the float that it would be elsewhere.
    return -0.0 if digits == "-0" else int(digits)


def real_number(digits: str) -> float:
    checked_length(digits)
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"expected a number that float64 can hold, found {digits}")
    return value


def checked_length(digits: str) -> None:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"expected numbers of at most {LONGEST_NUMBER} characters, found one of {len(digits)}")


def check_values(value: JSONObject) -> None:
    """Looks at every value, without recursion."""
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if item is None:
            raise ValueError("expected no null: what has no value is left out")
        if isinstance(item, str):
            check_text(item)
        elif isinstance(item, (dict, list)):
            if depth > DEEPEST:
                raise ValueError(f"expected JSON nested at most {DEEPEST} deep")
            if isinstance(item, dict):
                for name in item:
                    check_text(name)
            waiting += [(part, depth + 1) for part in (item.values() if isinstance(item, dict) else item)]


def check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("expected text, found half of a surrogate pair") from None


def is_whole(value: object) -> bool:
    """A number without point and exponent, as sizes, offsets and checksums are. `type`: True is an int for isinstance."""
    return type(value) is int and 0 <= value <= LARGEST_WHOLE
