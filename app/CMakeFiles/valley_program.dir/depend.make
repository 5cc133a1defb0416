# Empty dependencies file for valley_program.
# This may be replaced when dependencies are built.
