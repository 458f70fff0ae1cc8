"""Problems over dictionaries. See ``problems.py`` for the form."""

from examples.coding_example.problems.problem import Problem

PROBLEMS = (
    Problem(
        "dicts",
        "easy",
        "Write `letter_counts(word)`, which returns a dictionary from each letter of a word to how often it"
        " occurs.",
        """
def letter_counts(word):
    counts = {}
    for letter in word:
        counts[letter] = counts.get(letter, 0) + 1
    return counts
""",
        """
assert candidate("banana") == {"b": 1, "a": 3, "n": 2}
assert candidate("") == {}
assert candidate("zz") == {"z": 2}
""",
    ),
    Problem(
        "dicts",
        "easy",
        "Write `swap(table)`, which exchanges the keys and the values of a dictionary of texts.",
        "def swap(table):\n    return {value: key for key, value in table.items()}",
        """
assert candidate({"a": "b", "c": "d"}) == {"b": "a", "d": "c"}
assert candidate({}) == {}
assert candidate({"x": "x"}) == {"x": "x"}
""",
    ),
    Problem(
        "dicts",
        "easy",
        "Write `passed(marks, least)`, which returns the sorted names whose mark in a dictionary is `least`"
        " or more.",
        "def passed(marks, least):\n    return sorted(name for name in marks if marks[name] >= least)",
        """
assert candidate({"eva": 5, "ben": 3, "ann": 4}, 4) == ["ann", "eva"]
assert candidate({}, 1) == []
assert candidate({"tom": 2}, 3) == []
assert candidate({"tom": 3, "mia": 3}, 3) == ["mia", "tom"]
""",
    ),
    Problem(
        "dicts",
        "medium",
        "Write `group_by_length(words)`, which returns a dictionary from each length, as a text, to the words"
        " of that length in their order.",
        """
def group_by_length(words):
    groups = {}
    for word in words:
        groups.setdefault(str(len(word)), []).append(word)
    return groups
""",
        """
assert candidate(["a", "bb", "c"]) == {"1": ["a", "c"], "2": ["bb"]}
assert candidate([]) == {}
assert candidate(["same", "size"]) == {"4": ["same", "size"]}
""",
    ),
    Problem(
        "dicts",
        "medium",
        "Write `add_tables(a, b)`, which adds two dictionaries of numbers key by key and leaves out what adds"
        " up to 0.",
        """
def add_tables(a, b):
    total = {key: a.get(key, 0) + b.get(key, 0) for key in {**a, **b}}
    return {key: value for key, value in total.items() if value != 0}
""",
        """
assert candidate({"x": 1, "y": 2}, {"y": 3, "z": 4}) == {"x": 1, "y": 5, "z": 4}
assert candidate({"x": 1}, {"x": -1}) == {}
assert candidate({}, {}) == {}
assert candidate({"p": -2}, {"q": 7}) == {"p": -2, "q": 7}
""",
    ),
    Problem(
        "dicts",
        "medium",
        "Write `most_common(words)`, which returns the word that occurs most often in a list; of several, the"
        " first in the alphabet. The list is not empty.",
        """
def most_common(words):
    return sorted(set(words), key=lambda word: (-words.count(word), word))[0]
""",
        """
assert candidate(["b", "a", "b"]) == "b"
assert candidate(["b", "a"]) == "a"
assert candidate(["x"]) == "x"
assert candidate(["c", "b", "c", "b", "a"]) == "b"
assert candidate(["a", "z", "z", "z", "a"]) == "z"
""",
    ),
    Problem(
        "dicts",
        "hard",
        "Write `reachable(roads, start)`, which returns the sorted places that can be reached from `start`"
        " (itself included). `roads` maps a place to the list of places it leads to; some lead nowhere.",
        """
def reachable(roads, start):
    seen, waiting = {start}, [start]
    while waiting:
        for place in roads.get(waiting.pop(), []):
            if place not in seen:
                seen.add(place)
                waiting.append(place)
    return sorted(seen)
""",
        """
assert candidate({"a": ["b"], "b": ["c"], "d": ["a"]}, "a") == ["a", "b", "c"]
assert candidate({}, "x") == ["x"]
assert candidate({"a": ["b", "c"], "b": ["a"], "c": ["d"]}, "b") == ["a", "b", "c", "d"]
assert candidate({"a": ["b"], "b": ["c"], "d": ["a"]}, "c") == ["c"]
""",
    ),
    Problem(
        "dicts",
        "hard",
        "Write `flatten(table)`, which turns a dictionary of dictionaries into a flat one whose keys are"
        " joined by dots. Empty dictionaries vanish.",
        """
def flatten(table):
    flat = {}
    for key, value in table.items():
        if isinstance(value, dict):
            for inner, item in flatten(value).items():
                flat[key + "." + inner] = item
        else:
            flat[key] = value
    return flat
""",
        """
assert candidate({"a": {"b": 1, "c": {"d": 2}}, "e": 3}) == {"a.b": 1, "a.c.d": 2, "e": 3}
assert candidate({}) == {}
assert candidate({"a": {}}) == {}
assert candidate({"x": [1, 2]}) == {"x": [1, 2]}
""",
    ),
    Problem(
        "dicts",
        "hard",
        "Write `order(needs)`, which lists tasks so that each comes after all tasks it needs; of several that"
        " may come next, the first in the alphabet. `needs` maps each task to the list of tasks it needs.",
        """
def order(needs):
    done = []
    while len(done) < len(needs):
        ready = [task for task in needs if task not in done and all(need in done for need in needs[task])]
        done.append(min(ready))
    return done
""",
        """
assert candidate({"eat": ["cook"], "cook": ["buy"], "buy": []}) == ["buy", "cook", "eat"]
assert candidate({"b": [], "a": []}) == ["a", "b"]
assert candidate({}) == []
assert candidate({"a": ["z"], "m": [], "z": []}) == ["m", "z", "a"]
assert candidate({"d": ["b", "c"], "c": ["a"], "b": ["a"], "a": []}) == ["a", "b", "c", "d"]
""",
    ),
)
