"""The tools of the builtin rows, with the requests that need them.

A request is a sentence with slots and the arguments it asks for; ``"$city"`` in the arguments is the value of
the slot ``{city}``. The world is small on purpose: few words, so that a policy of a million weights can learn
which tool a request needs and which words of it are the arguments.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STRING = {"type": "string"}
INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}
BOOLEAN = {"type": "boolean"}
STRINGS = {"type": "array", "items": STRING}
DAY = {"type": "string", "enum": ["monday", "tuesday", "friday", "sunday"]}
MODE = {"type": "string", "enum": ["car", "bus", "bike"]}
CURRENCY = {"type": "string", "enum": ["EUR", "USD", "YEN"]}
SIZE = {"type": "string", "enum": ["small", "large"]}
DOOR = {"type": "string", "enum": ["front", "back"]}

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


@dataclass(frozen=True)
class Tool:
    """One tool: its parameters (all required but the ``optional``), and requests with their arguments."""

    name: str
    domain: str
    description: str
    parameters: Mapping[str, Any]
    requests: Sequence[tuple[str, Mapping[str, Any]]]
    optional: Sequence[str] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """The tool as OpenAI's API and chat templates take it."""
        parameters = {
            "type": "object",
            "properties": dict(self.parameters),
            "required": [name for name in self.parameters if name not in self.optional],
        }
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties]}


def _tools() -> Iterator[Tool]:
    city, room, item = {"city": "$city"}, {"room": "$room"}, {"item": "$item"}
    yield Tool(
        "get_weather",
        "weather",
        "Weather in a city now.",
        {"city": STRING},
        [("What is the weather in {city}?", city), ("Is it sunny in {city} now?", city)],
    )
    yield Tool(
        "get_forecast",
        "weather",
        "Weather in a city for some days.",
        {"city": STRING, "days": INTEGER},
        [("Give me the forecast for {city} for {few} days.", {"city": "$city", "days": "$few"})],
    )
    yield Tool(
        "get_air_quality",
        "weather",
        "Air quality in a city.",
        {"city": STRING},
        [("How clean is the air in {city}?", city), ("Check the air quality in {city}.", city)],
    )
    yield Tool(
        "set_light",
        "home",
        "Switch the light of a room.",
        {"room": STRING, "on": BOOLEAN},
        [
            ("Turn {switch} the light in the {room}.", {"room": "$room", "on": "$switch"}),
            ("Light {switch} in the {room}, please.", {"room": "$room", "on": "$switch"}),
        ],
    )
    yield Tool(
        "set_temperature",
        "home",
        "Heat a room.",
        {"room": STRING, "degrees": NUMBER},
        [("Heat the {room} to {degrees} degrees.", {"room": "$room", "degrees": "$degrees"})],
    )
    yield Tool(
        "lock_door",
        "home",
        "Lock a door.",
        {"door": DOOR},
        [
            ("Lock the {door} door.", {"door": "$door"}),
            ("Is the {door} door shut? Lock it.", {"door": "$door"}),
        ],
    )
    yield Tool(
        "start_vacuum",
        "home",
        "Clean a room, or every room.",
        {"room": STRING},
        [("Clean the {room}.", room), ("Vacuum everywhere.", {}), ("Send the robot to the {room}.", room)],
        optional=["room"],
    )
    yield Tool(
        "play_song",
        "music",
        "Play a song.",
        {"title": STRING},
        [("Play {title}.", {"title": "$title"}), ("I want to hear {title}.", {"title": "$title"})],
    )
    yield Tool(
        "set_volume",
        "music",
        "Set the volume.",
        {"level": INTEGER},
        [
            ("Set the volume to {level}.", {"level": "$level"}),
            ("Volume {level}, please.", {"level": "$level"}),
        ],
    )
    yield Tool(
        "make_playlist",
        "music",
        "Make a list of songs.",
        {"name": STRING, "songs": STRINGS},
        [
            (
                "Make a list {list} with {title} and {title2}.",
                {"name": "$list", "songs": ["$title", "$title2"]},
            )
        ],
    )
    yield Tool(
        "skip_song",
        "music",
        "Go to the next song.",
        {},
        [("Skip this song.", {}), ("Next song, please.", {}), ("I do not like this song.", {})],
    )
    yield Tool(
        "add_event",
        "calendar",
        "Put an event on a day.",
        {"title": STRING, "day": DAY},
        [
            ("Put {event} on {day}.", {"title": "$event", "day": "$day"}),
            ("On {day} I have {event}, note it.", {"title": "$event", "day": "$day"}),
        ],
    )
    yield Tool(
        "set_alarm",
        "calendar",
        "Set an alarm.",
        {"hour": INTEGER, "label": STRING},
        [
            ("Wake me at {hour}.", {"hour": "$hour"}),
            ("Set an alarm for {hour} called {event}.", {"hour": "$hour", "label": "$event"}),
        ],
        optional=["label"],
    )
    yield Tool(
        "set_timer",
        "calendar",
        "Start a timer.",
        {"minutes": INTEGER},
        [
            ("Set a timer for {few} minutes.", {"minutes": "$few"}),
            ("Tell me in {few} minutes.", {"minutes": "$few"}),
        ],
    )
    yield Tool(
        "list_events",
        "calendar",
        "Events of a day.",
        {"day": DAY},
        [("What do I have on {day}?", {"day": "$day"}), ("Show my events of {day}.", {"day": "$day"})],
    )
    yield Tool(
        "find_hotel",
        "travel",
        "Find a hotel.",
        {"city": STRING, "nights": INTEGER},
        [("Find a hotel in {city} for {few} nights.", {"city": "$city", "nights": "$few"})],
    )
    yield Tool(
        "find_route",
        "travel",
        "Find the way.",
        {"origin": STRING, "target": STRING, "mode": MODE},
        [
            ("How do I get from {city} to {city2}?", {"origin": "$city", "target": "$city2"}),
            (
                "Way from {city} to {city2} by {mode}?",
                {"origin": "$city", "target": "$city2", "mode": "$mode"},
            ),
        ],
        optional=["mode"],
    )
    yield Tool(
        "book_train",
        "travel",
        "Book seats in a train.",
        {"trip": _object(origin=STRING, target=STRING), "seats": INTEGER},
        [
            (
                "Book {few} seats from {city} to {city2}.",
                {"trip": {"origin": "$city", "target": "$city2"}, "seats": "$few"},
            )
        ],
    )
    yield Tool(
        "add_to_cart",
        "shopping",
        "Put things into the cart.",
        {"item": STRING, "count": INTEGER},
        [
            ("Add {few} {item} to my cart.", {"item": "$item", "count": "$few"}),
            ("I need {few} {item}.", {"item": "$item", "count": "$few"}),
        ],
    )
    yield Tool(
        "find_product",
        "shopping",
        "Find things to buy.",
        {"item": STRING, "max_price": NUMBER},
        [
            ("Find {item}.", item),
            ("Find {item} for at most {price}.", {"item": "$item", "max_price": "$price"}),
        ],
        optional=["max_price"],
    )
    yield Tool(
        "order_pizza",
        "shopping",
        "Order a pizza.",
        {"pizza": _object(size=SIZE, toppings=STRINGS)},
        [
            ("A {size} pizza with {topping}.", {"pizza": {"size": "$size", "toppings": ["$topping"]}}),
            (
                "A {size} pizza with {topping} and {topping2}.",
                {"pizza": {"size": "$size", "toppings": ["$topping", "$topping2"]}},
            ),
        ],
    )
    yield Tool(
        "get_stock_price",
        "finance",
        "Price of a stock.",
        {"symbol": STRING},
        [
            ("What is {symbol} worth?", {"symbol": "$symbol"}),
            ("Price of {symbol} stock?", {"symbol": "$symbol"}),
        ],
    )
    yield Tool(
        "convert_money",
        "finance",
        "Convert money.",
        {"amount": NUMBER, "source": CURRENCY, "target": CURRENCY},
        [
            (
                "Convert {price} {currency} to {currency2}.",
                {"amount": "$price", "source": "$currency", "target": "$currency2"},
            )
        ],
    )
    yield Tool(
        "split_bill",
        "finance",
        "Split a bill.",
        {"amount": NUMBER, "people": INTEGER},
        [("Split {price} among {few} people.", {"amount": "$price", "people": "$few"})],
    )
    yield Tool(
        "send_message",
        "contacts",
        "Send a message.",
        {"to": STRING, "text": STRING},
        [
            ('Write "{text}" to {person}.', {"to": "$person", "text": "$text"}),
            ('Tell {person} "{text}".', {"to": "$person", "text": "$text"}),
        ],
    )
    yield Tool(
        "call_person",
        "contacts",
        "Call somebody.",
        {"name": STRING, "video": BOOLEAN},
        [
            ("Call {person}.", {"name": "$person"}),
            ("Call {person} with video {switch}.", {"name": "$person", "video": "$switch"}),
        ],
        optional=["video"],
    )
    yield Tool(
        "invite",
        "contacts",
        "Invite people to an event.",
        {"people": STRINGS, "event": STRING},
        [
            (
                "Invite {person} and {person2} to {event}.",
                {"people": ["$person", "$person2"], "event": "$event"},
            )
        ],
    )


TOOLS: Sequence[Tool] = tuple(_tools())
DOMAINS: Mapping[str, str] = {tool.name: tool.domain for tool in TOOLS}
