"""Problems over strings. See ``problems.py`` for the form."""

from examples.coding_example.problems.problem import Problem

PROBLEMS = (
    Problem(
        "strings",
        "easy",
        "Write `vowels(text)`, which returns how many of the letters a, e, i, o, u stand in a lower-case"
        " text.",
        'def vowels(text):\n    return sum(letter in "aeiou" for letter in text)',
        """
assert candidate("education") == 5
assert candidate("rhythm") == 0
assert candidate("") == 0
assert candidate("aabbu") == 3
assert candidate("#1 place") == 2
assert candidate("io") == 2
""",
    ),
    Problem(
        "strings",
        "easy",
        "Write `initials(name)`, which returns the first letters of the words of a name in capitals.",
        'def initials(name):\n    return "".join(word[0].upper() for word in name.split())',
        """
assert candidate("ada lovelace") == "AL"
assert candidate("Grace  brewster Hopper") == "GBH"
assert candidate("plato") == "P"
assert candidate("") == ""
""",
    ),
    Problem(
        "strings",
        "easy",
        "Write `ends(word, n)`, which returns the first n and the last n letters of a word, joined.",
        "def ends(word, n):\n    return word[:n] + word[len(word) - n:]",
        """
assert candidate("mountain", 2) == "moin"
assert candidate("tree", 1) == "te"
assert candidate("abc", 3) == "abcabc"
assert candidate("abcdef", 0) == ""
""",
    ),
    Problem(
        "strings",
        "medium",
        "Write `is_palindrome(text)`, which tells whether the letters and digits of a text read the same from"
        " both ends, whatever their case.",
        """
def is_palindrome(text):
    kept = [sign.lower() for sign in text if sign.isalnum()]
    return all(kept[i] == kept[-1 - i] for i in range(len(kept) // 2))
""",
        """
assert candidate("Never odd or even") is True
assert candidate("palindrome") is False
assert candidate("") is True
assert candidate("abca") is False
assert candidate("A1b2b1a") is True
assert candidate("ab") is False
""",
    ),
    Problem(
        "strings",
        "medium",
        "Write `caesar(text, shift)`, which moves each lower-case letter `shift` places on in the alphabet,"
        " from z to a, and leaves every other sign.",
        """
def caesar(text, shift):
    moved = []
    for sign in text:
        if "a" <= sign <= "z":
            moved.append(chr((ord(sign) - 97 + shift) % 26 + 97))
        else:
            moved.append(sign)
    return "".join(moved)
""",
        """
assert candidate("abc", 1) == "bcd"
assert candidate("xyz", 3) == "abc"
assert candidate("Hi, you!", 13) == "Hv, lbh!"
assert candidate("az{`", -1) == "zy{`"
assert candidate("", 5) == ""
""",
    ),
    Problem(
        "strings",
        "medium",
        "Write `common_prefix(words)`, which returns the longest text that all words of a list begin with.",
        """
def common_prefix(words):
    prefix = words[0] if words else ""
    for word in words:
        while not word.startswith(prefix):
            prefix = prefix[:-1]
    return prefix
""",
        """
assert candidate(["flower", "flow", "flight"]) == "fl"
assert candidate(["dog", "cat"]) == ""
assert candidate(["same", "same"]) == "same"
assert candidate(["abcd", "abcx"]) == "abc"
assert candidate([]) == ""
assert candidate(["alone"]) == "alone"
""",
    ),
    Problem(
        "strings",
        "hard",
        "Write `longest_unique(text)`, which returns the length of the longest stretch of a text without a"
        " repeated sign.",
        """
def longest_unique(text):
    start, best, last = 0, 0, {}
    for i, sign in enumerate(text):
        if sign in last and last[sign] >= start:
            start = last[sign] + 1
        last[sign] = i
        best = max(best, i - start + 1)
    return best
""",
        """
assert candidate("abcabcbb") == 3
assert candidate("bbbb") == 1
assert candidate("") == 0
assert candidate("pwwkew") == 3
assert candidate("abba") == 2
assert candidate("dvdf") == 3
""",
    ),
    Problem(
        "strings",
        "hard",
        "Write `wrap(text, width)`, which breaks a text into lines of whole words of at most `width` letters,"
        " spaces included, and returns the list of lines. No word is longer than `width`.",
        """
def wrap(text, width):
    lines = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines
""",
        """
assert candidate("the quick brown fox", 10) == ["the quick", "brown fox"]
assert candidate("a b c", 3) == ["a b", "c"]
assert candidate("abc abc", 7) == ["abc abc"]
assert candidate("abc abc", 6) == ["abc", "abc"]
assert candidate("", 4) == []
""",
    ),
    Problem(
        "strings",
        "hard",
        "Write `edit_distance(a, b)`, which returns how many letters must be inserted, deleted or replaced,"
        " at least, to make the word a into the word b.",
        """
def edit_distance(a, b):
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        old, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            cost = old + (left != right)
            old = row[j]
            row[j] = min(row[j] + 1, row[j - 1] + 1, cost)
    return row[-1]
""",
        """
assert candidate("kitten", "sitting") == 3
assert candidate("", "abc") == 3
assert candidate("same", "same") == 0
assert candidate("flaw", "lawn") == 2
assert candidate("abcd", "") == 4
assert candidate("a", "b") == 1
""",
    ),
)
