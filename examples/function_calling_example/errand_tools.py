"""Tools for errands: travel, shopping, finance and contacts."""

from examples.function_calling_example.tool import (
    BOOLEAN,
    CURRENCY,
    INTEGER,
    MODE,
    NUMBER,
    SIZE,
    STRING,
    STRINGS,
    Tool,
    object_of,
)

TOOLS = (
    Tool(
        "find_hotel",
        "travel",
        "Find a hotel.",
        {"city": STRING, "nights": INTEGER},
        [("Find a hotel in {city} for {few} nights.", {"city": "$city", "nights": "$few"})],
    ),
    Tool(
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
    ),
    Tool(
        "book_train",
        "travel",
        "Book seats in a train.",
        {"trip": object_of(origin=STRING, target=STRING), "seats": INTEGER},
        [
            (
                "Book {few} seats from {city} to {city2}.",
                {"trip": {"origin": "$city", "target": "$city2"}, "seats": "$few"},
            )
        ],
    ),
    Tool(
        "add_to_cart",
        "shopping",
        "Put things into the cart.",
        {"item": STRING, "count": INTEGER},
        [
            ("Add {few} {item} to my cart.", {"item": "$item", "count": "$few"}),
            ("I need {few} {item}.", {"item": "$item", "count": "$few"}),
        ],
    ),
    Tool(
        "find_product",
        "shopping",
        "Find things to buy.",
        {"item": STRING, "max_price": NUMBER},
        [
            ("Find {item}.", {"item": "$item"}),
            ("Find {item} for at most {price}.", {"item": "$item", "max_price": "$price"}),
        ],
        optional=["max_price"],
    ),
    Tool(
        "order_pizza",
        "shopping",
        "Order a pizza.",
        {"pizza": object_of(size=SIZE, toppings=STRINGS)},
        [
            ("A {size} pizza with {topping}.", {"pizza": {"size": "$size", "toppings": ["$topping"]}}),
            (
                "A {size} pizza with {topping} and {topping2}.",
                {"pizza": {"size": "$size", "toppings": ["$topping", "$topping2"]}},
            ),
        ],
    ),
    Tool(
        "get_stock_price",
        "finance",
        "Price of a stock.",
        {"symbol": STRING},
        [
            ("What is {symbol} worth?", {"symbol": "$symbol"}),
            ("Price of {symbol} stock?", {"symbol": "$symbol"}),
        ],
    ),
    Tool(
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
    ),
    Tool(
        "split_bill",
        "finance",
        "Split a bill.",
        {"amount": NUMBER, "people": INTEGER},
        [("Split {price} among {few} people.", {"amount": "$price", "people": "$few"})],
    ),
    Tool(
        "send_message",
        "contacts",
        "Send a message.",
        {"to": STRING, "text": STRING},
        [
            ('Write "{text}" to {person}.', {"to": "$person", "text": "$text"}),
            ('Tell {person} "{text}".', {"to": "$person", "text": "$text"}),
        ],
    ),
    Tool(
        "call_person",
        "contacts",
        "Call somebody.",
        {"name": STRING, "video": BOOLEAN},
        [
            ("Call {person}.", {"name": "$person"}),
            ("Call {person} with video {switch}.", {"name": "$person", "video": "$switch"}),
        ],
        optional=["video"],
    ),
    Tool(
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
    ),
)
