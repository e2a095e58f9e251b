"""What can be asked, by room: the graph, runs, and what a reader keeps. One function, one question.

Each takes the explorer and a question, and returns a dataclass; the table of all of them is
`tutelage.explorer.operations.OPERATIONS`.
"""
