"""Multiple choice in the OpenR1 example: what must go, what must stay, hard negatives included."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

EXAMPLE = "math_example_openr1"

OPEN = "math-word-problem"
MUST_GO = [
    # by question type
    ("MCQ", "What is 2 + 2?", "4"),
    ("mcq", "Find the sum.", "12"),
    (" MCQ ", "Compute 3 * 4.", "12"),
    # by the answer
    (OPEN, "What is 2 + 2?", "A"),
    (OPEN, "What is 2 + 2?", "(B)"),
    (OPEN, "What is 2 + 2?", "C."),
    (OPEN, "What is 2 + 2?", "D)"),
    (OPEN, "What is 2 + 2?", r"\textbf{(E)}"),
    (OPEN, "What is 2 + 2?", r"\text{A}"),
    (OPEN, "What is 2 + 2?", "$B$"),
    (OPEN, "What is 2 + 2?", r"\mathrm{(C)}"),
    (OPEN, "What is 2 + 2?", r"(\text{D})"),
    (OPEN, "What is 2 + 2?", r"\mathbf{B}"),
    (OPEN, "What is 2 + 2?", "**C**"),
    # by the words
    (OPEN, "Which of the following is prime? 4, 6, 7", "7"),
    (OPEN, "Which one of the following numbers is even: 3, 4, 5?", "4"),
    (OPEN, "which of these is a square: 8, 9, 10", "9"),
    (OPEN, "For how many hours? Choose the following that fits.", "2"),
    (OPEN, "Of these numbers, the correct option is", "12"),
    (OPEN, "Which option gives the largest product?", "12"),
    # (A) 5 (B) 6, in every dress
    (OPEN, "What is 2 + 2? (A) 3 (B) 4 (C) 5 (D) 6", "4"),
    (OPEN, "What is 2 + 2?\n(A) 3\n(B) 4\n(C) 5", "4"),
    (OPEN, "The value of 2 + 2 is: (A) 3, (B) 4, (C) 5.", "4"),
    (OPEN, r"What is $2+2$? $\textbf{(A)}\ 3\qquad\textbf{(B)}\ 4\qquad\textbf{(C)}\ 5$", "4"),
    (OPEN, r"What is $2+2$? $\mathrm{(A)}\ 3\quad\mathrm{(B)}\ 4\quad\mathrm{(C)}\ 5$", "4"),
    (OPEN, r"What is 2+2? $\text{(A)}\ 3\qquad\text{(B)}\ 4\qquad\text{(C)}\ 5$", "4"),
    (OPEN, r"$\mathrm{(A) \ } 3 \qquad \mathrm{(B) \ } 4 \qquad \mathrm{(C) \ } 5$", "4"),
    (OPEN, r"Find it. $(\mathrm{A})\ 3 \quad (\mathrm{B})\ 4 \quad (\mathrm{C})\ 5$", "4"),
    (OPEN, r"Compute 2+2. (\text{A}) 3 (\text{B}) 4 (\text{C}) 5", "4"),
    (OPEN, "If x = 2, then 2x equals ( )\n(A) 3 (B) 4 (C) 5 (D) 6", "4"),
    (OPEN, "The number 2 + 2 is ( ).\n\n(A) 3. (B) 4. (C) 5. (D) 6.", "4"),
    (OPEN, "Is it so? (A) yes (B) no", "yes"),
    (OPEN, "The shape with (three) sides is: (A) a square (B) a circle (C) a triangle", "a triangle"),
    # A) 5 B) 6
    (OPEN, "What is 2 + 2? A) 3 B) 4 C) 5", "4"),
    (OPEN, "What is 2 + 2?\nA) 3\nB) 4\nC) 5\nD) 6", "4"),
    (OPEN, r"What is 2 + 2? $A) 3 \quad B) 4 \quad C) 5$", "4"),
    (OPEN, r"What is 2 + 2? \textbf{A)} 3 \textbf{B)} 4 \textbf{C)} 5", "4"),
    (OPEN, "How much (in euro) is left? A) 3 B) 4 C) 5", "4"),
    (OPEN, "Is it odd or even?\nA) odd\nB) even", "even"),
    # A. 5 B. 6
    (OPEN, "What is 2 + 2? A. 3 B. 4 C. 5", "4"),
    (OPEN, "What is 2 + 2?\nA. 3\nB. 4\nC. 5\nD. 6", "4"),
    (OPEN, r"What is 2 + 2? $\text{A. } 3 \quad \text{B. } 4 \quad \text{C. } 5$", "4"),
    (OPEN, "The value of 2 + 2 is __ A. 3; B. 4; C. 5; D. 6", "4"),
    (OPEN, r"Which number is it? \textbf{A.} 3 \textbf{B.} 4 \textbf{C.} 5", "4"),
    # spacing inside the font command, square and full-width brackets, small letters
    (OPEN, r"What is 2+2? $\textbf{(A) }3\qquad\textbf{(B) }4\qquad\textbf{(C) }5$", "4"),
    (OPEN, r"Find it. $\mathrm{(A)\ }3 \qquad \mathrm{(B)\ }4 \qquad \mathrm{(C)\ }5$", "4"),
    (OPEN, "What is 2 + 2? （A） 3 （B） 4 （C） 5", "4"),
    (OPEN, "What is 2 + 2? A、3 B、4 C、5", "4"),
    (OPEN, "What is 2 + 2? [A] 3 [B] 4 [C] 5", "4"),
    (OPEN, "What is 2 + 2? (a) 3 (b) 4 (c) 5", "4"),
    (OPEN, "The number 2 + 2 equals:\na) 3\nb) 4\nc) 5", "4"),
    # A: 5, one a line
    (OPEN, "What is 2 + 2?\nA: 3\nB: 4\nC: 5", "4"),
]
MUST_STAY = [
    # numbered lists and conditions
    (OPEN, "Given: (1) x > 0; (2) y > 0; (3) x + y = 4. Find the largest xy.", "4"),
    (OPEN, "1. Start with 5.\n2. Double it.\n3. Add 1. What do you get?", "11"),
    (OPEN, "(i) f(0) = 1 (ii) f(x + 1) = f(x) + 2 (iii) f is linear. Find f(5).", "11"),
    (OPEN, "Conditions: a) x is even, b) x > 2, c) x < 6. Find x.", "4"),
    (OPEN, "A sequence has 1) a first term 3, 2) a step 4, 3) ten terms. Find its last term.", "39"),
    # years and other numbers in brackets
    (OPEN, "(AMC 2019) Find the last digit of 2019^2.", "1"),
    (OPEN, "In 1998. a club had 12 members. In 1999. it had 15. How many joined?", "3"),
    (OPEN, "The years (1990) and (2000) are ten apart. How many years to 2025?", "25"),
    # sets, events and statements in brackets
    (OPEN, "For sets (A), (B) and (C) with 3, 4, 5 elements, find the largest union.", "12"),
    (OPEN, "Let (A) be the even numbers, (B) be the primes and (C) be the squares. Find one in all.", "4"),
    (OPEN, "Find P(A) + P(B) + P(C) if each is 1/4.", "3/4"),
    (OPEN, "Events (A) and (B) are independent with P = 1/2. Find P of both.", "1/4"),
    (OPEN, "Let f(A) = 2, f(B) = 3 and f(C) = 4. What is the sum?", "9"),
    (OPEN, "The sets (A) and (B) have 3 common elements. How many are in the union of 5 and 6?", "8"),
    (OPEN, "n(A) = 5, n(B) = 6, n(A and B) = 2. Find n(A or B).", "9"),
    # points, triangles, names
    (OPEN, "A line goes through point A. Another goes through B. They meet at C. Find the angle at C.", "90"),
    (OPEN, "Circle O touches the line at A. Let B. be the far end. Find AB for radius 2.", "4"),
    (OPEN, "In triangle ABC, AB = 3, BC = 4 and the angle at B is right. Find AC.", "5"),
    (OPEN, "The bisector of angle A. meets BC at D. Find BD if AB = AC and BC = 6.", "3"),
    (OPEN, "A square has the vertices A, B, C and D (in this order). Find AC for side 1.", r"\sqrt{2}"),
    (OPEN, "Points A) and B) are marked on a line of length 4. Find the distance.", "4"),
    (OPEN, "A. Smith has 3 apples and B. Jones has 4. How many have they?", "7"),
    (OPEN, "Ann walks from A (at 0) to B (at 5) and to C (at 7). How far is it?", "7"),
    (OPEN, "City A: 30 people. City B: 40 people. How many people live there?", "70"),
    (OPEN, "Team A beat team B. Team B beat team C. Who came first of the three?", "team A"),
    (OPEN, "Vitamin A, vitamin B and vitamin C cost 2, 3 and 4 euro. Find the sum.", "9"),
    (OPEN, "The distance (from A) is 5 and (from B) is 7, (from C) it is 9. Find the sum.", "21"),
    # numbers of the base, matrices, hexadecimal digits
    (OPEN, "If A = 1, B = 2, C = 3, what is A + B + C?", "6"),
    (OPEN, "Find the determinant of A. B is its inverse. det B = 1/5.", "5"),
    (OPEN, "The digits A and B satisfy AB + BA = 99. Find A + B.", "9"),
    (OPEN, "Matrices (A) and (B) commute. Find the trace of AB - BA.", "0"),
    # questions with parts (another filter's business)
    (OPEN, "(a) Find 2 + 2. (b) Find 3 + 3.", "4, 6"),
    (OPEN, "Part (A): find 2 + 2.", "4"),
    (OPEN, "Ann has 4 pens. Compute: (a) 4 + 1 (b) how many are left of 4 (c) 3 * 2", "5, 4, 6"),
    (OPEN, "Let x satisfy: (a) x > 0 (b) x < 9 (c) x is a square and even. Find x.", "4"),
    (OPEN, "A number is (a) even (b) prime (c) positive. Find it.", "2"),
    (OPEN, "Given [A] = 2, [B] = 3, [C] = 4 in mol, find the product.", "24"),
    (OPEN, "Reflect the point (A) in the line. (B) is its image. AB = 4. Find the distance of A.", "2"),
    # words that are near the signs
    (OPEN, "The following numbers are added: 1, 2, 3. What is the sum?", "6"),
    (OPEN, "Which number is the largest below 10?", "9"),
    (OPEN, "Of the following sum find the last digit: 7 + 8.", "5"),
    (OPEN, "How many of the numbers 1 to 9 are prime?", "4"),
    # answers that are letters but no options
    (OPEN, "Simplify x^2 / x.", "x"),
    (OPEN, "What is the base of the natural logarithm?", "e"),
    (OPEN, "Name the number of the circle.", r"\pi"),
    (OPEN, "Find the product of a and b.", "ab"),
    (OPEN, "Write 10 in base 16 times one hundred.", "100A"),
    (OPEN, "Which set has the elements of A and of B?", r"A \cup B"),
    (OPEN, "Solve for n.", "n = 4"),
    ("proof", "Find x with x + 1 = 2.", "1"),
    (None, "Find x with x + 1 = 2.", "1"),
]


def judge(module_of: Callable[[str], ModuleType], case: tuple[str | None, str, str]) -> Any:
    return module_of("multiple_choice").is_multiple_choice(*case)


@pytest.mark.parametrize("case", MUST_GO, ids=lambda case: f"{case[1][-30:]}|{case[2]}")
def test_multiple_choice_goes(module_of: Callable[[str], ModuleType], case: tuple[str, str, str]) -> None:
    assert judge(module_of, case)


@pytest.mark.parametrize("case", MUST_STAY, ids=lambda case: f"{case[1][:30]}|{case[2]}")
def test_open_questions_stay(module_of: Callable[[str], ModuleType], case: tuple[str, str, str]) -> None:
    assert not judge(module_of, case)


def test_the_tables_are_as_long_as_they_claim() -> None:
    assert len(MUST_GO) >= 40 and len(MUST_STAY) >= 40
