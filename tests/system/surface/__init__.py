"""What strangers can reach, and the bad input made of it: from the tables the programs themselves run on.

`tables` holds the rows, `text` writes JSON that no library would, `fields` makes of each row what its outcome must be, `mutate`
makes of a good request a random bad one. tests/fuzz stands on the same modules.
"""
