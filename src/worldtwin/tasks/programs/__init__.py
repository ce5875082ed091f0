"""What a task can be: a network, a table of rules, or a program that decides one state at a time."""
