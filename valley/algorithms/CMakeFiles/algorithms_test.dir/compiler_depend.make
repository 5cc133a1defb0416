# Empty compiler generated dependencies file for algorithms_test.
# This may be replaced when dependencies are built.
