"""The words of the builtin requests.

The world is small on purpose: few words, so that a policy of a million weights can learn which tool a request
needs and which of its words are the arguments.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from examples.function_calling_example.tool import CURRENCY, DAY, DOOR, MODE, SIZE

_CITIES = (
    "Paris",
    "Rome",
    "Oslo",
    "Cairo",
    "Lima",
    "Delhi",
    "Tokyo",
    "Quito",
    "Bern",
    "Kyiv",
    "Riga",
    "Accra",
)
_PEOPLE = ("Ann", "Ben", "Eva", "Max", "Mia", "Tom", "Ida", "Leo", "Kim", "Zoe")
_ITEMS = ("apples", "books", "cards", "eggs", "pens", "lamps", "cups", "shoes", "toys", "maps")
_SONGS = ("Blue", "Dawn", "Home", "Rain", "Stars", "Waves", "Fire", "Gold", "Moon", "Snow")

SLOTS: Mapping[str, Sequence[Any]] = {
    "city": _CITIES,
    "city2": _CITIES,
    "room": ("kitchen", "bedroom", "hall", "office", "garage", "attic"),
    "door": DOOR["enum"],
    "title": _SONGS,
    "title2": _SONGS,
    "list": ("party", "sport", "sleep", "work"),
    "event": ("lunch", "golf", "dinner", "yoga", "chess", "tennis"),
    "day": DAY["enum"],
    "person": _PEOPLE,
    "person2": _PEOPLE,
    "text": ("hello", "thanks", "good night", "see you", "well done", "come in"),
    "item": _ITEMS,
    "mode": MODE["enum"],
    "size": SIZE["enum"],
    "topping": ("cheese", "ham", "olives"),
    "topping2": ("onions", "corn", "tuna"),
    "symbol": ("ABC", "KLM", "XYZ", "PQR", "DEF", "TUV"),
    "currency": CURRENCY["enum"],
    "currency2": CURRENCY["enum"],
    "few": range(2, 10),
    "hour": range(5, 12),
    "level": range(10, 100, 10),
    "degrees": (18, 18.5, 19, 19.5, 20, 20.5, 21, 21.5),
    "price": (5, 7.5, 10, 12.5, 20, 25),
    "switch": ("on", "off"),
}
"""The values of each slot. A slot with a ``2`` never gets the value of the one without."""
VALUES: Mapping[str, Any] = {"on": True, "off": False}
"""Slot texts whose argument is not the text itself."""
