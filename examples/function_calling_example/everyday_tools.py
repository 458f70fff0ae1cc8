"""Tools for the home and the day: weather, home, music and calendar."""

from examples.function_calling_example.tool import BOOLEAN, DAY, DOOR, INTEGER, NUMBER, STRING, STRINGS, Tool

TOOLS = (
    Tool(
        "get_weather",
        "weather",
        "Weather in a city now.",
        {"city": STRING},
        [
            ("What is the weather in {city}?", {"city": "$city"}),
            ("Is it sunny in {city} now?", {"city": "$city"}),
        ],
    ),
    Tool(
        "get_forecast",
        "weather",
        "Weather in a city for some days.",
        {"city": STRING, "days": INTEGER},
        [("Give me the forecast for {city} for {few} days.", {"city": "$city", "days": "$few"})],
    ),
    Tool(
        "get_air_quality",
        "weather",
        "Air quality in a city.",
        {"city": STRING},
        [
            ("How clean is the air in {city}?", {"city": "$city"}),
            ("Check the air quality in {city}.", {"city": "$city"}),
        ],
    ),
    Tool(
        "set_light",
        "home",
        "Switch the light of a room.",
        {"room": STRING, "on": BOOLEAN},
        [
            ("Turn {switch} the light in the {room}.", {"room": "$room", "on": "$switch"}),
            ("Light {switch} in the {room}, please.", {"room": "$room", "on": "$switch"}),
        ],
    ),
    Tool(
        "set_temperature",
        "home",
        "Heat a room.",
        {"room": STRING, "degrees": NUMBER},
        [("Heat the {room} to {degrees} degrees.", {"room": "$room", "degrees": "$degrees"})],
    ),
    Tool(
        "lock_door",
        "home",
        "Lock a door.",
        {"door": DOOR},
        [
            ("Lock the {door} door.", {"door": "$door"}),
            ("Is the {door} door shut? Lock it.", {"door": "$door"}),
        ],
    ),
    Tool(
        "start_vacuum",
        "home",
        "Clean a room, or every room.",
        {"room": STRING},
        [
            ("Clean the {room}.", {"room": "$room"}),
            ("Vacuum everywhere.", {}),
            ("Send the robot to the {room}.", {"room": "$room"}),
        ],
        optional=["room"],
    ),
    Tool(
        "play_song",
        "music",
        "Play a song.",
        {"title": STRING},
        [("Play {title}.", {"title": "$title"}), ("I want to hear {title}.", {"title": "$title"})],
    ),
    Tool(
        "set_volume",
        "music",
        "Set the volume.",
        {"level": INTEGER},
        [
            ("Set the volume to {level}.", {"level": "$level"}),
            ("Volume {level}, please.", {"level": "$level"}),
        ],
    ),
    Tool(
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
    ),
    Tool(
        "skip_song",
        "music",
        "Go to the next song.",
        {},
        [("Skip this song.", {}), ("Next song, please.", {}), ("I do not like this song.", {})],
    ),
    Tool(
        "add_event",
        "calendar",
        "Put an event on a day.",
        {"title": STRING, "day": DAY},
        [
            ("Put {event} on {day}.", {"title": "$event", "day": "$day"}),
            ("On {day} I have {event}, note it.", {"title": "$event", "day": "$day"}),
        ],
    ),
    Tool(
        "set_alarm",
        "calendar",
        "Set an alarm.",
        {"hour": INTEGER, "label": STRING},
        [
            ("Wake me at {hour}.", {"hour": "$hour"}),
            ("Set an alarm for {hour} called {event}.", {"hour": "$hour", "label": "$event"}),
        ],
        optional=["label"],
    ),
    Tool(
        "set_timer",
        "calendar",
        "Start a timer.",
        {"minutes": INTEGER},
        [
            ("Set a timer for {few} minutes.", {"minutes": "$few"}),
            ("Tell me in {few} minutes.", {"minutes": "$few"}),
        ],
    ),
    Tool(
        "list_events",
        "calendar",
        "Events of a day.",
        {"day": DAY},
        [("What do I have on {day}?", {"day": "$day"}), ("Show my events of {day}.", {"day": "$day"})],
    ),
)
