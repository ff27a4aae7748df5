"""Compiled search over orders of jobs on flow lines.

``plant`` holds the numbers of the problem and of a search, ``fronts`` the completions before and
the tails behind every position, ``insertion`` the value of a job at every position, and ``search``
constructions and iterated greedy search built of insertions.
"""
