# Empty dependencies file for valley_testing.
# This may be replaced when dependencies are built.
