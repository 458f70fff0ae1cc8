"""Problems over numbers. See ``problems.py`` for the form."""

from examples.coding_example.problems.problem import Problem

PROBLEMS = (
    Problem(
        "numbers",
        "easy",
        "Write `digit_sum(n)`, which returns the sum of the digits of a whole number n >= 0.",
        "def digit_sum(n):\n    return sum(int(digit) for digit in str(n))",
        """
assert candidate(0) == 0
assert candidate(1234) == 10
assert candidate(9999) == 36
assert candidate(100) == 1
""",
    ),
    Problem(
        "numbers",
        "easy",
        "Write `is_leap(year)`, which tells whether a year has 366 days: every fourth has, but of the full"
        " centuries only every fourth.",
        "def is_leap(year):\n    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)",
        """
assert candidate(2024) is True
assert candidate(2023) is False
assert candidate(1900) is False
assert candidate(2000) is True
assert candidate(2100) is False
assert candidate(2404) is True
assert candidate(2401) is False
""",
    ),
    Problem(
        "numbers",
        "easy",
        "Write `clamp(x, low, high)`, which returns x, or the nearer end when x lies outside of low to high.",
        """
def clamp(x, low, high):
    if x < low:
        return low
    return high if x > high else x
""",
        """
assert candidate(5, 1, 10) == 5
assert candidate(-3, 1, 10) == 1
assert candidate(30, 1, 10) == 10
assert candidate(10, 1, 10) == 10
""",
    ),
    Problem(
        "numbers",
        "medium",
        "Write `is_prime(n)`, which tells whether a whole number is prime.",
        """
def is_prime(n):
    return n > 1 and all(n % divisor != 0 for divisor in range(2, n))
""",
        """
assert candidate(2) is True
assert candidate(1) is False
assert candidate(9) is False
assert candidate(4) is False
assert candidate(97) is True
assert candidate(3) is True
assert candidate(49) is False
assert candidate(0) is False
assert candidate(5) is True
""",
    ),
    Problem(
        "numbers",
        "medium",
        "Write `collatz(n)`, which returns how many steps n > 0 needs to become 1, when an even number is"
        " halved and an odd one is tripled and increased by 1.",
        """
def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
        if steps > 10000:
            break
    return steps
""",
        """
assert candidate(1) == 0
assert candidate(2) == 1
assert candidate(6) == 8
assert candidate(27) == 111
assert candidate(3) == 7
""",
    ),
    Problem(
        "numbers",
        "medium",
        "Write `to_base(n, base)`, which writes a whole number n >= 0 in a base from 2 to 16, with the digits"
        " 0123456789abcdef.",
        """
def to_base(n, base):
    digits = "" if n else "0"
    while n > 0:
        digits = "0123456789abcdef"[n % base] + digits
        n //= base
    return digits
""",
        """
assert candidate(0, 2) == "0"
assert candidate(5, 2) == "101"
assert candidate(255, 16) == "ff"
assert candidate(64, 8) == "100"
assert candidate(123456, 10) == "123456"
""",
    ),
    Problem(
        "numbers",
        "hard",
        "Write `factors(n)`, which returns the sorted prime factors of n > 1, each as often as it divides n.",
        """
def factors(n):
    found, divisor = [], 2
    while n > 1:
        while n % divisor == 0:
            found.append(divisor)
            n //= divisor
        divisor += 1
    return found
""",
        """
assert candidate(2) == [2]
assert candidate(12) == [2, 2, 3]
assert candidate(97) == [97]
assert candidate(360) == [2, 2, 2, 3, 3, 5]
assert candidate(49) == [7, 7]
""",
    ),
    Problem(
        "numbers",
        "hard",
        "Write `coins(amount, values)`, which returns the smallest number of coins that make up an amount, or"
        " -1 when none do. There are coins enough of each value.",
        """
def coins(amount, values):
    best = [0] + [amount + 1] * amount
    for part in range(1, amount + 1):
        for value in values:
            if value <= part:
                best[part] = min(best[part], best[part - value] + 1)
    return best[amount] if best[amount] <= amount else -1
""",
        """
assert candidate(11, [1, 2, 5]) == 3
assert candidate(3, [2]) == -1
assert candidate(0, [1]) == 0
assert candidate(6, [1, 3, 4]) == 2
assert candidate(5, [1]) == 5
assert candidate(7, [7, 1]) == 1
assert candidate(1, [1]) == 1
assert candidate(1, [2]) == -1
""",
    ),
    Problem(
        "numbers",
        "hard",
        "Write `nth_prime(n)`, which returns the n-th prime number; the first is 2.",
        """
def nth_prime(n):
    primes, number = [], 2
    while len(primes) < n:
        if all(number % prime for prime in primes):
            primes.append(number)
        number += 1
    return primes[n - 1]
""",
        """
assert candidate(1) == 2
assert candidate(2) == 3
assert candidate(6) == 13
assert candidate(25) == 97
""",
    ),
)
