"""Problems over text with a structure that must be read. See ``problems.py`` for the form."""

from examples.coding_example.problems.problem import Problem

PROBLEMS = (
    Problem(
        "parsing",
        "easy",
        "Write `minutes(clock)`, which returns the minutes since midnight of a time like 07:45.",
        'def minutes(clock):\n    hours, rest = clock.split(":")\n    return int(hours) * 60 + int(rest)',
        """
assert candidate("00:00") == 0
assert candidate("07:45") == 465
assert candidate("23:59") == 1439
assert candidate("01:05") == 65
""",
    ),
    Problem(
        "parsing",
        "easy",
        "Write `pairs(text)`, which reads a text like a=1;b=2 into a dictionary from names to whole numbers.",
        """
def pairs(text):
    parts = [part.split("=") for part in text.split(";") if part]
    return {name: int(value) for name, value in parts}
""",
        """
assert candidate("a=1;b=2") == {"a": 1, "b": 2}
assert candidate("") == {}
assert candidate("x=-7") == {"x": -7}
assert candidate("a=1;a=5;") == {"a": 5}
""",
    ),
    Problem(
        "parsing",
        "easy",
        "Write `numbers(text)`, which returns all whole numbers of a text (runs of digits) as a list.",
        'import re\n\n\ndef numbers(text):\n    return [int(run) for run in re.findall("[0-9]+", text)]',
        """
assert candidate("3 apples, 12 pears") == [3, 12]
assert candidate("none") == []
assert candidate("a1b22c333") == [1, 22, 333]
assert candidate("007 9") == [7, 9]
""",
    ),
    Problem(
        "parsing",
        "medium",
        "Write `roman(text)`, which returns the value of a Roman numeral.",
        """
def roman(text):
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
    total, before = 0, 0
    for letter in reversed(text):
        value = values[letter]
        total += value if value >= before else -value
        before = max(before, value)
    return total
""",
        """
assert candidate("III") == 3
assert candidate("XIV") == 14
assert candidate("MCMXCIV") == 1994
assert candidate("DLXVI") == 566
assert candidate("CDXLIX") == 449
""",
    ),
    Problem(
        "parsing",
        "medium",
        "Write `unpack(text)`, which undoes run lengths: 3a2b1c is aaabbc. A number may have several digits.",
        """
def unpack(text):
    out, count = "", 0
    for sign in text:
        if sign.isdigit():
            count = count * 10 + int(sign)
        else:
            out += sign * count
            count = 0
    return out
""",
        """
assert candidate("3a2b1c") == "aaabbc"
assert candidate("12x") == "xxxxxxxxxxxx"
assert candidate("") == ""
assert candidate("1-10z2-") == "-zzzzzzzzzz--"
""",
    ),
    Problem(
        "parsing",
        "medium",
        "Write `balanced(text)`, which tells whether the brackets (), [] and {} of a text are closed in the"
        " right order. Other signs do not matter.",
        """
def balanced(text):
    closes, waiting = {")": "(", "]": "[", "}": "{"}, []
    for sign in text:
        if sign in closes.values():
            waiting.append(sign)
        elif sign in closes and (not waiting or waiting.pop() != closes[sign]):
            return False
    return not waiting
""",
        """
assert candidate("(a[b]{c})") is True
assert candidate("(]") is False
assert candidate("((") is False
assert candidate(")") is False
assert candidate("") is True
assert candidate("{[}]") is False
""",
    ),
    Problem(
        "parsing",
        "hard",
        "Write `postfix(text)`, which returns the value of an expression in postfix form: whole numbers and"
        " the signs +, - and *, with a space between any two.",
        """
def postfix(text):
    stack = []
    for word in text.split():
        if word in ("+", "-", "*"):
            right, left = stack.pop(), stack.pop()
            if word == "+":
                stack.append(left + right)
            elif word == "-":
                stack.append(left - right)
            else:
                stack.append(left * right)
        else:
            stack.append(int(word))
    return stack[0]
""",
        """
assert candidate("3 4 +") == 7
assert candidate("2 3 4 * +") == 14
assert candidate("10 2 8 * + 3 -") == 23
assert candidate("7") == 7
assert candidate("1 2 - 5 *") == -5
""",
    ),
    Problem(
        "parsing",
        "hard",
        "Write `calculate(text)`, which returns the value of an expression of whole numbers, +, - and *,"
        " without brackets or spaces. Products come before sums.",
        """
import re


def calculate(text):
    total = 0
    for sign, product in re.findall("([+-]?)([0-9*]+)", text):
        value = 1
        for factor in product.split("*"):
            value *= int(factor)
        total += -value if sign == "-" else value
    return total
""",
        """
assert candidate("2+3*4") == 14
assert candidate("10-2*3-1") == 3
assert candidate("7") == 7
assert candidate("2*3*4-5+60") == 79
assert candidate("-4*2+1") == -7
""",
    ),
    Problem(
        "parsing",
        "hard",
        "Write `csv_row(line)`, which splits a line at its commas into a list. A field may stand in double"
        " quotes; then its commas do not count, two quotes are one, and the outer quotes go.",
        """
def csv_row(line):
    fields, field, quoted, i = [], "", False, 0
    while i < len(line):
        if quoted and line[i:i + 2] == '""':
            field += '"'
            i += 1
        elif line[i] == '"':
            quoted = not quoted
        elif line[i] == "," and not quoted:
            fields.append(field)
            field = ""
        else:
            field += line[i]
        i += 1
    return [*fields, field]
""",
        '''
assert candidate("a,b,c") == ["a", "b", "c"]
assert candidate('"a,b",c') == ["a,b", "c"]
assert candidate('x,"he said ""no""",') == ["x", 'he said "no"', ""]
assert candidate("") == [""]
assert candidate('"",z') == ["", "z"]
''',
    ),
)
