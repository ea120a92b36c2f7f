"""The auditor's desk: calls that are over, found, played, judged and corrected.

In come finished logs, from live calls and from files; out go pages of search
results, reviews with scores, and corrections as training data. The log itself is
never changed here: everything that people add lies in tables of its own.
"""
