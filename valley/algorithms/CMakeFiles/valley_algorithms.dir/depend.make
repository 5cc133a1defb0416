# Empty dependencies file for valley_algorithms.
# This may be replaced when dependencies are built.
