"""python3 -m valley: the program."""

from valley.program import main

main()
